import koffi from 'koffi';

/** The C library that this Node runs with, whichever it is (glibc or musl). */
export const libc = koffi.load(null);
