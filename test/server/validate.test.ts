import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContainerdError } from '../../src/errors.ts';
import {
  checkBundlePath,
  checkCheckpointName,
  checkEnv,
  checkId,
  checkNoNul,
  checkSignal,
  checkStatus,
  checkStdioPath,
  checkUserId,
} from '../../src/server/validate.ts';

/** The name and the text of the error that is thrown. */
function refusal(check: () => unknown): [string, string] {
  try {
    check();
  } catch (error) {
    if (error instanceof ContainerdError) return [error.failure.error, error.failure.message];
    throw error;
  }
  throw new Error('it passed');
}

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));

describe.each([
  ['a container id', checkId],
  ['a checkpoint name', checkCheckpointName],
])('%s', (_, check) => {
  it.each(['a', '-', '--help', '...', '.a', 'A_b.c-d+e', 'x'.repeat(255)])('may be %j', (name) => {
    expect(check(name)).toBe(name);
  });

  it.each(['.', '..', 'a/b', '../a', 'a b', 'a\n', '\0', 'é', '😀', 'x'.repeat(256)])(
    'may not be %j',
    (name) => {
      expect(refusal(() => check(name))[0]).toBe('invalidArgument');
    },
  );

  it('that passes is one name of a file, and no other', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.stringMatching(/^[A-Za-z0-9_.+\-/]*$/)), (name) => {
        try {
          check(name);
        } catch {
          return;
        }
        expect(path.join('/folder', name)).toBe(`/folder/${name}`);
        expect(path.dirname(path.join('/folder', name))).toBe('/folder');
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
      }),
    );
  });
});

it('an error shows only the beginning of a name that is no name', () => {
  expect(refusal(() => checkId('é'.repeat(5_000_000)))[1].length).toBeLessThan(200);
});

it('a checkpoint without a name has an error of its own', () => {
  expect(refusal(() => checkCheckpointName(''))).toEqual([
    'checkpointNameEmpty',
    'checkpoint name cannot be empty',
  ]);
});

describe('a bundle path', () => {
  it.each([
    ['/b', '/b'],
    ['/a//b/./c/../d/', '/a/b/d'],
    ['/..', '/'],
    ['/', '/'],
    ['/a b\n', '/a b\n'],
    [`/${'x'.repeat(4094)}`, `/${'x'.repeat(4094)}`],
  ])('%j is normalised', (given, normal) => {
    expect(checkBundlePath(given)).toBe(normal);
  });

  it.each([
    ['', 'bundlePathEmpty', 'empty bundle path'],
    ['.', 'invalidArgument', 'containerd: bundle path "." is not absolute'],
    ['a/b', 'invalidArgument', 'containerd: bundle path "a/b" is not absolute'],
    ['/a\0', 'invalidArgument', 'containerd: bundle path holds a NUL byte'],
    [`/${'x'.repeat(4095)}`, 'invalidArgument', 'containerd: bundle path is longer than 4095 bytes'],
    [`/${'é'.repeat(2048)}`, 'invalidArgument', 'containerd: bundle path is longer than 4095 bytes'],
  ])('%j is refused', (given, error, message) => {
    expect(refusal(() => checkBundlePath(given))).toEqual([error, message]);
  });

  it('that passes is absolute, and stays as it is', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('/', '.', '..', 'a', '😀', '\0')), (parts) => {
        let checked: string;
        try {
          checked = checkBundlePath(parts.join(''));
        } catch {
          return;
        }
        expect(path.isAbsolute(checked)).toBe(true);
        expect(checkBundlePath(checked)).toBe(checked);
        expect(checked.split('/')).not.toContain('..');
      }),
    );
  });
});

describe('a path of stdio', () => {
  it('may be empty', () => expect(checkStdioPath('', 'stdin')).toBe(''));
  it.each(['/folder/link/../out', '/out/', '//out', '/.'])(
    'is the kernel’s to look up as it is: %j',
    (given) => {
      expect(checkStdioPath(given, 'stdout')).toBe(given);
    },
  );
  it('is absolute', () => {
    expect(checkStdioPath('/dev/pts/7', 'console')).toBe('/dev/pts/7');
    expect(refusal(() => checkStdioPath('out', 'stdout'))[1]).toBe(
      'containerd: stdout "out" is not absolute',
    );
  });
});

describe('a signal', () => {
  it.each([0, 1, 9, 64])('may be %d', (signal) => expect(checkSignal(signal)).toBe(signal));
  it.each([65, 2 ** 32 - 1])('may not be %d', (signal) => {
    expect(refusal(() => checkSignal(signal))).toEqual([
      'unknownSignal',
      `containerd: unknown signal ${signal}`,
    ]);
  });
});

describe('a status to be set', () => {
  it.each(['', 'running', 'paused'])('may be %j', (status) => expect(checkStatus(status)).toBe(status));
  it.each(['Running', 'stopped', 'running ', '\0'])('may not be %j', (status) => {
    expect(refusal(() => checkStatus(status))).toEqual([
      'unknownStatus',
      `containerd: unknown container status ${status}`,
    ]);
  });
  it('is shown in part where it is long, and not cut within a character', () => {
    const [, message] = refusal(() => checkStatus(`${'x'.repeat(63)}😀${'y'.repeat(1_000_000)}`));
    expect(message).toMatch(/^containerd: unknown container status x{63}/);
    expect(message.length).toBeLessThan(200);
    expect(() => encodeURI(message)).not.toThrow();
  });
});

describe('a uid or gid', () => {
  it.each([0, 1000, 2 ** 32 - 2])('may be %d', (id) => expect(checkUserId(id, 'uid')).toBe(id));
  it('may not be the one that means none', () => {
    expect(refusal(() => checkUserId(2 ** 32 - 1, 'gid'))[1]).toBe(
      'containerd: gid 4294967295 is out of range',
    );
  });
});

describe('a variable', () => {
  it.each(['A=', 'A=b', 'A=b=c', 'ä ö=\n'])('may be %j', (entry) => expect(checkEnv(entry)).toBe(entry));
  it.each(['', 'A', '=', '=b', 'A=\0'])('may not be %j', (entry) => {
    expect(refusal(() => checkEnv(entry))[0]).toBe('invalidArgument');
  });
});

it('a text without NUL bytes passes, whatever is in it', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      if (text.includes('\0')) expect(refusal(() => checkNoNul(text, 'args'))[1]).toMatch(/NUL/);
      else expect(checkNoNul(text, 'args')).toBe(text);
    }),
  );
});
