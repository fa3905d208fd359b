import { LoadClient } from './load-client.ts';

/**
 * Asks for State ten times a second and reads all of the answer, as long as it is told to, in a process of its own
 * (monitor.ts). Told true it polls, told false it rests; it says once it does, with how many answers it has had, from
 * the beginning on. A poll that fails is its end.
 */
const PERIOD_MS = 100;
/** V8 has compiled by then what an answer takes, here and in the daemon. */
const WARM_UP = 300;

const client = new LoadClient(process.argv[2] ?? '');
let answers = 0;
let timer: NodeJS.Timeout | undefined;

async function ask(): Promise<void> {
  await client.state();
  answers++;
}

process.on('disconnect', () => process.exit());
process.on('message', (polls: boolean) => {
  clearInterval(timer);
  if (polls) {
    timer = setInterval(ask, PERIOD_MS);
    void ask();
  }
  process.send?.(answers);
});

for (let n = 0; n < WARM_UP; n++) await ask();
process.send?.(answers);
