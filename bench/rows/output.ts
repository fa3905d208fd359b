import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { medianOf, type Row } from '../row.ts';

const MEGABYTES = 2000;
const FASTEST_GB = 1;

export const outputRate: Row = {
  name: 'output-rate',
  what: `a container's stdout to a file, against cat in a pipe, or ${FASTEST_GB} GB/s where that is less`,
  unit: '',
  goal: 1,
  better: 'more',
  async measure(host) {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'output-'));
    const file = path.join(folder, 'out');
    const printer = ['dd', 'if=/dev/zero', 'bs=1M', `count=${MEGABYTES}`];
    const bundle = await host.bundle(...printer);
    const pair = await host.pair();
    const events = await pair.daemon.events({ types: ['exit'] });
    const rate = (start: number): number => MEGABYTES / 1000 / ((performance.now() - start) / 1000);
    const measured = await medianOf(
      host.options.rounds,
      async () => {
        const catStart = performance.now();
        await execa('sh', ['-c', `${printer.join(' ')} 2>/dev/null | cat > ${file}`]);
        const raw = rate(catStart);
        await rm(file);
        await writeFile(file, '');
        const [id = ''] = host.names(1);
        await pair.daemon.create(id, bundle, { stdout: file });
        const start = performance.now();
        await events.exit(id);
        const ours = rate(start);
        if ((await stat(file)).size !== MEGABYTES * 1024 * 1024) throw new Error('not all of it is there');
        await rm(file);
        return { ours, raw, unit: 'GB/s' };
      },
      (ours, raw) => ours / Math.min(raw, FASTEST_GB),
    );
    events.close();
    await pair.end();
    await rm(folder, { recursive: true, force: true });
    return measured;
  },
};
