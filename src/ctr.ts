import { takeName } from './ctr/name.ts';
import { readCommandLine } from './ctr/program.ts';
import { runJob } from './ctr/run.ts';

takeName('ctr');
const parsed = readCommandLine(process.argv.slice(2), process.env);
if (parsed.kind === 'exit') {
  process.stdout.write(parsed.stdout);
  process.stderr.write(parsed.stderr);
  process.exitCode = parsed.status;
} else {
  process.exitCode = await runJob(parsed);
}
