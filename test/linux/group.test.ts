import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { groupId } from '../../src/linux/group.ts';

it('a group has the id that the host’s list says', () => {
  const groups = readFileSync('/etc/group', 'utf8').trimEnd().split('\n');
  for (const [name = '', , id] of groups.map((line) => line.split(':')))
    expect(groupId(name)).toBe(Number(id));
});

it('a group that is not there has none', () => {
  for (const name of ['no-such-group', '', '0', 'a\nb']) expect(groupId(name)).toBeUndefined();
});
