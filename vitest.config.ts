import { defineConfig } from 'vitest/config';

// XState's own warnings (an event to an actor that has stopped, say) are in its development build alone.
const ssr = { resolve: { conditions: ['development', 'node'] } };

/** A wait for what is bound to come: the cores, or the disk, may be busy elsewhere. */
const expect = { poll: { timeout: 10_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        ssr,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          testTimeout: 20_000,
          expect,
        },
      },
      {
        ssr,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect,
          // Real daemons and real containers: two cores have enough with one file's at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
