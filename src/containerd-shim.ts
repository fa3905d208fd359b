import { closeSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { parseDescriptorLimit } from './shim/inheritance.ts';
import { ALREADY_SERVED } from './shim/places.ts';
import { runShim } from './shim/shim.ts';

const USAGE = `usage: containerd-shim --state-dir DIR [--ready-fd FD]

Parent of every container of a state directory. The daemon starts it and speaks to it through DIR/shim.sock; it ends by
itself. Logs JSON to stderr. CONTAINERD_NOFILE (soft:hard, from ulimit -n) is the descriptor limit of containers.

  --state-dir DIR  the daemon's state directory
  --ready-fd FD    a descriptor to write a byte to, and close, once it listens
  status 3         another shim serves DIR already
`;
const USAGE_ERROR = 2;

/** A file that a full disk refuses is no reason for the shim to stop. */
function writeOrDrop(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // The log is the only place where it could be told.
  }
}
const log = pino({ name: 'containerd-shim' }, { write: writeOrDrop });

function options(): { stateDir: string; readyFd: number | undefined } {
  try {
    const { values } = parseArgs({
      options: {
        'state-dir': { type: 'string' },
        'ready-fd': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (values['state-dir'] !== undefined) {
      const readyFd = values['ready-fd'];
      return {
        stateDir: resolve(values['state-dir']),
        readyFd: readyFd === undefined ? undefined : Number(readyFd),
      };
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  process.stderr.write(USAGE);
  process.exit(USAGE_ERROR);
}

const { stateDir, readyFd } = options();
process.title = 'containerd-shim';
process.chdir('/');

// Whatever ends the daemon, a service manager's signal to its whole group included, must not end containers.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => log.info({ signal }, 'ignored: the shim leaves once its containers have ended'));
}
// A fault in the service of one process is no reason to lose all others, whose parent nobody else can be.
process.on('uncaughtException', (error) => log.error({ err: error }, 'a fault'));

try {
  const softDescriptors = parseDescriptorLimit(process.env.CONTAINERD_NOFILE);
  if (!(await runShim({ stateDir, softDescriptors, log, onLeave: () => process.exit(0) }))) {
    process.exit(ALREADY_SERVED);
  }
  log.info({ stateDir }, 'listening');
  if (readyFd !== undefined) {
    writeSync(readyFd, '\n');
    closeSync(readyFd);
  }
} catch (error) {
  log.fatal({ err: error }, 'cannot serve');
  process.exit(1);
}
