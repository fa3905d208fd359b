import type { DaemonFlags } from '../cli/daemon-flags.ts';
import { createLineOutput } from '../line-output.ts';
import type { Logger } from '../log.ts';
import { readMetrics, type Sources } from './daemon-metrics.ts';
import { createGraphite } from './graphite.ts';
import { graphiteLines, graphiteName } from './graphite-lines.ts';
import { printed } from './layout.ts';
import { report } from './report.ts';

type Flags = Pick<DaemonFlags, 'id' | 'debug' | 'graphiteAddress' | 'metricsIntervalMs'>;

const STDOUT = 1;

/**
 * Reports the daemon's metrics at every interval: with `--debug` on stdout, and to a Graphite server where one is named.
 * Without either nothing is read. Gives how to stop.
 */
export function startMetrics(flags: Flags, sources: Sources, log: Logger): () => void {
  const outlets: Parameters<typeof report>[0]['outlets'][number][] = [];
  const stop = new AbortController();

  if (flags.debug) {
    const stdout = createLineOutput(STDOUT);
    outlets.push((readings, date) => stdout.write(printed(readings, date)));
  }
  if (flags.graphiteAddress !== '') {
    const { graphiteAddress: address, id } = flags;
    const graphite = createGraphite({ address, onTrouble: createTroubleLog(address, log) });
    const prefix = `containerd.${graphiteName(id)}`;
    outlets.push((readings, date) => graphite.send(graphiteLines(prefix, readings, date)));
    stop.signal.addEventListener('abort', () => graphite.close());
  }

  void report({
    read: () => readMetrics(sources),
    outlets,
    intervalMs: flags.metricsIntervalMs,
    signal: stop.signal,
  });
  return () => stop.abort();
}

/** Says once that the server cannot be reached, and once that it can be again. */
function createTroubleLog(address: string, log: Logger): (error: Error | undefined) => void {
  let trouble: Error | undefined;
  return (error) => {
    if (error !== undefined && trouble === undefined)
      log.warn({ err: error, address }, 'the metrics do not reach the Graphite server');
    if (error === undefined && trouble !== undefined)
      log.info({ address }, 'the metrics reach the Graphite server again');
    trouble = error;
  };
}
