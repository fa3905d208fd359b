import { endThoughHungUp } from './cli/hung-up.ts';
import { printEnding } from './cli/print.ts';
import { takeName } from './ctr/name.ts';
import { readCommandLine } from './ctr/program.ts';
import { runJob } from './ctr/run.ts';

takeName('ctr');
endThoughHungUp();
const parsed = readCommandLine(process.argv.slice(2), process.env);
if (parsed.kind === 'exit') {
  printEnding('ctr', parsed);
} else {
  process.exitCode = await runJob(parsed);
}
