import { defineConfig } from 'vitest/config';

// XState's own warnings (an event to an actor that has stopped, say) are in its development build alone.
const ssr = { resolve: { conditions: ['development', 'node'] } };

/**
 * A chart that is told something by an action of another (as containers are by the supervisor) and answers it by
 * `enqueue.assign` is taken by XState 5.33 for an action that calls `assign()` itself.
 */
const onConsoleLog = (text: string) => !text.includes('Custom actions should not call `assign()` directly');

/** A wait for what is bound to come: the cores, or the disk, may be busy elsewhere. */
const expect = { poll: { timeout: 10_000 } };

export default defineConfig({
  test: {
    onConsoleLog,
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
