import { libc } from './libc.ts';

/** What a page table entry of the second level maps, with base pages of 4 KiB. */
const HUGE_BYTES = 2 * 1024 * 1024;

/** sys/mman.h, linux/mman.h. */
const PROT_NONE = 0;
const PROT_READ = 1;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MADV_COLLAPSE = 25;

const mmap: (
  address: number,
  byteLength: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) => number | bigint = libc.func(
  'uintptr_t mmap(uintptr_t address, size_t length, int protection, int flags, int fd, long offset)',
);
const munmap: (address: number, byteLength: number) => number = libc.func(
  'int munmap(uintptr_t address, size_t length)',
);
const madvise: (address: number, byteLength: number, advice: number) => number = libc.func(
  'int madvise(uintptr_t address, size_t length, int advice)',
);

/**
 * Has the kernel put what a file in memory holds into huge pages, as far as it fills them (madvise(2), MADV_COLLAPSE, Linux
 * 6.1): of a program that is run from there, each process then needs less of page tables, and faults less. Gives whether it did.
 */
export function collapseIntoHugePages(fd: number, byteLength: number): boolean {
  const whole = byteLength - (byteLength % HUGE_BYTES);
  if (whole === 0) return false;
  // Room for it at an address that is a multiple of a huge page.
  const room = mmap(0, whole + HUGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // MAP_FAILED is no address that fits a number.
  if (typeof room !== 'number') return false;
  try {
    const at = Math.ceil(room / HUGE_BYTES) * HUGE_BYTES;
    return (
      mmap(at, whole, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) === at &&
      madvise(at, whole, MADV_COLLAPSE) === 0
    );
  } finally {
    munmap(room, whole + HUGE_BYTES);
  }
}
