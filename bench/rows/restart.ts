import { execa } from 'execa';
import { bin } from '../../test/e2e/fixtures/daemon.ts';
import { median, type Row } from '../row.ts';

const TIMES = 7;

export const restart: Row = {
  name: 'restart',
  what: 'a killed daemon with many containers is started again, until State has them all',
  unit: 's',
  goal: 1.5,
  better: 'less',
  async measure(host) {
    const tookS: number[] = [];
    for (let round = 0; round < host.options.rounds; round++) {
      tookS.push(await host.restartCrowd());
    }
    return { value: median(tookS), of: tookS.map((it) => it.toFixed(2)).join(', ') };
  },
};

export const coldStart: Row = {
  name: 'cold-start',
  what: 'bin/containerd from nothing until it answers',
  unit: 'ms',
  goal: 400,
  better: 'less',
  async measure(host) {
    const tookMs: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      const start = performance.now();
      const daemon = await host.daemon();
      await daemon.call('state');
      tookMs.push(performance.now() - start);
      await host.end(daemon);
    }
    return { value: median(tookMs), of: `median of ${TIMES}` };
  },
};

export const ctrStart: Row = {
  name: 'ctr-start',
  what: 'bin/ctr containers',
  unit: 'ms',
  goal: 250,
  better: 'less',
  async measure(host) {
    const { daemon, end } = await host.pair();
    const tookMs: number[] = [];
    for (let time = 0; time < TIMES; time++) {
      const start = performance.now();
      await execa(bin('ctr'), ['--address', daemon.socketPath, 'containers']);
      tookMs.push(performance.now() - start);
    }
    await end();
    return { value: median(tookMs), of: `median of ${TIMES}` };
  },
};
