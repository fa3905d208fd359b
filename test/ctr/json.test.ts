import { expect, it } from 'vitest';
import { jsonLine } from '../../src/ctr/json.ts';

it('a value is a line of JSON, a bigint with all its digits', () => {
  expect(jsonLine({ id: 'a', list: [1n, true, null], big: 2n ** 64n, none: undefined })).toBe(
    '{"id":"a","list":[1,true,null],"big":18446744073709551616}\n',
  );
});

it('nothing in it does anything to a terminal, and all of it is read as it was', () => {
  const args = ['\x1b[2J', 'a\x7f\x9b2J', 'ü\u2028'];
  const line = jsonLine({ args });
  expect(line).toBe(`{"args":["\\u001b[2J","a\\u007f\\u009b2J","ü\u2028"]}\n`);
  expect(JSON.parse(line)).toEqual({ args });
});
