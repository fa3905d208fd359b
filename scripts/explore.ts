// Explores what can happen to a daemon: npm run explore -- --depth 6 --delivery any
import { parseArgs } from 'node:util';
import { EXPLORED, explore, LEAVING } from '../src/testing/explorer.ts';

const { values } = parseArgs({
  options: {
    depth: { type: 'string', default: String(EXPLORED.depth) },
    concurrency: { type: 'string', default: String(EXPLORED.concurrency) },
    'on-stop': { type: 'string', default: EXPLORED.onStop },
    'oom-kills': { type: 'string', default: String(EXPLORED.oomKills) },
    delivery: { type: 'string', default: EXPLORED.delivery },
  },
});
const delivery = values.delivery === 'any' ? 'any' : 'prompt';
const { worlds, moves, depth, finding } = explore({
  ...(values['on-stop'] === 'leave' ? LEAVING : EXPLORED),
  depth: Number(values.depth),
  concurrency: Number(values.concurrency),
  oomKills: Number(values['oom-kills']),
  delivery,
});
process.stdout.write(`${worlds} worlds by ${moves} moves, ${depth} deep, messages ${delivery}\n`);
if (finding !== undefined) {
  process.stdout.write(`${finding.what}\n${finding.trace.map((move) => `  ${move}\n`).join('')}`);
  process.exitCode = 1;
}
