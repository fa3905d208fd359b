import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Part, remember } from '../../src/cgroup/part.ts';

/** Files that the test writes, and which of them have been read since the last time. */
function stage(texts: Record<string, string>) {
  const taken: string[] = [];
  const read = (controller: string, name: string) => {
    taken.push(name);
    return texts[`${controller}/${name}`] ?? '';
  };
  return {
    texts,
    read,
    files: {
      open: (controller: string, name: string) => ({ read: () => read(controller, name) }),
      names: () => [],
    },
    taken: () => taken.splice(0),
  };
}

it('a part is the value that it was as long as all that it has read is the same', () => {
  const { texts, files } = stage({ 'memory/usage': '1', 'memory/peak': '2' });
  const part = remember(
    ({ read }) => ({ usage: read('memory', 'usage'), peak: read('memory', 'peak') }),
    files,
  );
  const first = part();
  expect(first).toEqual({ usage: '1', peak: '2' });
  expect(part()).toBe(first);
  texts['memory/peak'] = '3';
  expect(part()).toEqual({ usage: '1', peak: '3' });
  texts['memory/usage'] = '';
  expect(part()).toEqual({ usage: '', peak: '3' });
});

it('each file is read once for each time that a part is asked for, whatever has changed', () => {
  const { texts, files, taken } = stage({ 'x/a': '1', 'x/b': '2', 'x/c': '3' });
  const part = remember(({ read }) => ['a', 'b', 'c'].map((file) => read('x', file)).join(), files);
  for (const changed of ['x/a', 'x/b', 'x/c', undefined]) {
    if (changed !== undefined) texts[changed] = 'new';
    part();
    expect(taken()).toEqual(['a', 'b', 'c']);
  }
});

it('a part that reads nothing is one value', () => {
  const part = remember(() => ({}), stage({}).files);
  expect(part()).toBe(part());
});

it('a part says what it would if it remembered nothing, though what it reads depends on what it has read', () => {
  const names = ['a', 'b', 'c', 'd'];
  const write = fc.record({ file: fc.constantFrom(...names), text: fc.constantFrom('', ...names) });
  fc.assert(
    fc.property(fc.array(fc.array(write)), (rounds) => {
      const { texts, files, read } = stage({});
      // Each file names the one that is to be read after it.
      const plain: Part<string[]> = ({ read }) => {
        const path = ['a'];
        for (let next = read('x', 'a'); next !== '' && !path.includes(next); next = read('x', next))
          path.push(next);
        return path;
      };
      const part = remember(plain, files);
      for (const writes of rounds) {
        for (const { file, text } of writes) texts[`x/${file}`] = text;
        expect(part()).toEqual(plain({ read, names: () => [] }));
      }
    }),
  );
});
