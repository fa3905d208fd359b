import { expect, it } from 'vitest';
import { counted } from '../../src/cli/count.ts';

it('one is one, and none are many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'event'))).toEqual(['0 events', '1 event', '2 events']);
});
