import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { createAnnouncer } from './actors/announce.ts';
import { isOfFormerBoot, noteBoot } from './actors/boot.ts';
import { createEffects } from './actors/effects.ts';
import { createEventHub } from './actors/event-hub.ts';
import { openJournal } from './actors/journal.ts';
import { LeftAlone } from './actors/left-alone.ts';
import { createOom } from './actors/oom.ts';
import { recordedIds } from './actors/record.ts';
import { createRestore } from './actors/restore.ts';
import { createRunRunc } from './actors/run-runc.ts';
import { createSettleLost } from './actors/settle-lost.ts';
import { linkShim, type OrphanEnd } from './actors/shim-link.ts';
import { makeStateDir, stateDirAt } from './actors/state-dir.ts';
import { createStatsCollector } from './actors/stats.ts';
import { findSubject, statsThread } from './actors/stats-thread.ts';
import { startSystem } from './actors/system.ts';
import { exitsHeld, startsAfter, toldOf } from './actors/told.ts';
import { createTransitionLog } from './actors/transition-log.ts';
import type { DaemonFlags, InspectAddress } from './cli/daemon-flags.ts';
import { crashPoint } from './crash-point.ts';
import { startErrands } from './errands/errands.ts';
import { createRecorder, type Recorder } from './history/recorder.ts';
import type { Inspector } from './inspector/server.ts';
import { flock } from './linux/flock.ts';
import type { Logger } from './log.ts';
import { UNKNOWN_EXIT } from './machines/messages.ts';
import type { Restored } from './machines/supervisor-model.ts';
import { startMetrics } from './metrics/metrics.ts';
import { openStartCount } from './metrics/start-count.ts';
import { timeStarts } from './metrics/time-starts.ts';
import { Timer } from './metrics/timer.ts';
import { waitForLeftRunning } from './runc/left-running.ts';
import type { Runc } from './runc/runc.ts';
import { createApi } from './server/api.ts';
import { createInspectApi } from './server/inspect.ts';
import { listen } from './server/listen.ts';
import type { ShimExit } from './shim/client.ts';
import { ensureShim } from './shim/launch.ts';

/** The shim makes little garbage: V8's usual room for that would be a third of its weight. */
const SHIM_FLAGS = ['--max-semi-space-size=2'];
/** It is bundled next to the daemon. */
const SHIM_PROGRAM = [
  process.execPath,
  ...SHIM_FLAGS,
  fileURLToPath(new URL('./containerd-shim.js', import.meta.url)),
];

/** The thread that reads the kernel's files; bundled there too. */
const ERRANDS_PROGRAM = new URL('./containerd-errands.js', import.meta.url);
const STATS_PROGRAM = new URL('./containerd-stats.js', import.meta.url);

/** The page that shows the actors; built there too. */
const INSPECTOR_PAGE = new URL('./inspector/index.html', import.meta.url);

/** The next daemon reads in the journal what was told since the count of starts was written down. */
const SAVE_AT_LEAST_MS = 60_000;

/** How long a runc that a former daemon left at work may take to end. */
const LEFT_RUNNING_TIMEOUT_MS = 30_000;

/**
 * Runs a daemon until it is told to end (SIGTERM or SIGINT) and its containers have ended or are left. What is at work
 * for those still is to end with the process.
 */
export async function runDaemon(flags: DaemonFlags, log: Logger): Promise<void> {
  const stateDir = stateDirAt(flags.stateDir);
  await makeStateDir(stateDir);
  const lock = flock(stateDir.lock);
  if (lock === undefined) throw new Error(`another daemon uses the state dir ${stateDir.root}`);

  const rebooted = await isOfFormerBoot(stateDir);
  if (rebooted) log.info('the host has restarted: what is left of its containers is removed');
  const journal = await openJournal({
    file: stateDir.journal,
    maxBytes: flags.journalBytes,
    maxAgeMs: flags.journalAgeMs,
    onTrouble: createTroubleLog(log),
  });
  crashPoint('start-up.journal-open');
  const hub = createEventHub(journal);
  const startCount = await openStartCount(stateDir.starts);
  const shim = await linkShim({
    ensure: (handlers) =>
      ensureShim({ stateDir: stateDir.root, program: SHIM_PROGRAM, env: process.env, ...handlers }),
    onExit: (exit) => exited(exit),
    onOrphanEnd: (end) => orphanEnded(end),
    log,
  });
  crashPoint('start-up.shim-linked');
  const errands = startErrands(ERRANDS_PROGRAM);
  const settleLost = createSettleLost(
    () => shim,
    async (shimPid) => {
      const pids = await waitForLeftRunning(stateDir.runc, shimPid, { timeoutMs: LEFT_RUNNING_TIMEOUT_MS });
      if (pids.length > 0) log.error({ pids }, 'a runtime of a former daemon was killed and does not end');
    },
  );
  const runc: Runc = {
    command: flags.runtime,
    root: stateDir.runc,
    run: createRunRunc(() => shim, settleLost),
    timeoutMs: flags.runtimeTimeoutMs,
  };

  // Nothing is awaited from here to the start of the system, which hears of exits from then on.
  const announcer = createAnnouncer({ hub, shim: () => shim, errands, stateDir, log });
  const leftAlone = new LeftAlone(stateDir);
  const takeUp = createRestore({
    stateDir,
    runc,
    shim: () => shim,
    errands,
    settleLost,
    rebooted,
    leftAlone,
    watchOrphan: shim.watchOrphan,
    log,
  });

  const restore = () =>
    findContainers().catch((error) => {
      leftAlone.addAll();
      throw error;
    });
  async function findContainers(): Promise<Restored> {
    await settleLost();
    const held = shim.processes.map(({ key }) => key.container);
    const ids = new Set([...held, ...(await recordedIds(stateDir))]);
    const told = await toldOf(journal, ids, log);
    startCount.add(await startsAfter(journal, startCount.sequence));
    crashPoint('restore.journal-read');
    announcer.leaveOut(await exitsHeld(shim.processes, told));
    const restored = await takeUp(told);
    await noteBoot(stateDir).catch((err) =>
      log.warn({ err }, 'which boot this is could not be written down'),
    );
    return restored;
  }
  const effects = createEffects({
    runc,
    stateDir,
    shim: () => shim,
    errands,
    // The launcher knows of one that was installed apart from the system's.
    criu: process.env.CONTAINERD_CRIU ?? '',
    told: announcer.settled,
    leftAlone,
    blocked: journal.blocked,
    onUnwritten: (err, about) => log.warn({ err, ...about }, 'who an exec is could not be written down'),
    settleLost,
    restore,
    checkpointTimeoutMs: flags.checkpointTimeoutMs,
  });

  const starts = new Timer();
  const saveStartCount = () =>
    startCount
      .save(journal.lastSequence())
      .catch((err: unknown) => log.warn({ err }, 'the count of starts could not be written'));
  const recorder = createRecorder({ whole: flags.inspect !== undefined });
  const system = startSystem(
    {
      effects: { ...effects, launch: timeStarts(effects.launch, starts) },
      ...(flags.oomNotify && { oom: createOom(stateDir, log) }),
      publish(notice) {
        if (notice.type === 'start') startCount.add(1);
        announcer.announce(notice);
      },
      report: (what, about) => log.error({ failure: about }, what),
      stray: (exit) => {
        // Its container was deleted, but the daemon that did it may not have come to tell.
        log.info({ exit }, 'an exit of a container that is gone');
        announcer.announce({ ...exit, type: 'exit' });
      },
    },
    {
      concurrency: flags.concurrency,
      onStop: flags.liveRestore ? 'leave' : 'end',
      hearer: recorder.hearer,
      ...(flags.debug && { inspect: createTransitionLog(log) }),
    },
  );

  function exited({ process: { key, pid }, status, timestamp }: ShimExit): void {
    system.exited({
      type: 'shim.exited',
      id: key.container,
      process: key.process,
      pid,
      status,
      unixNs: String(timestamp),
    });
  }
  function orphanEnded({ key: { container: id, process }, pid, status }: OrphanEnd): void {
    const exit = status === undefined ? UNKNOWN_EXIT : { status };
    system.exited({ type: 'shim.exited', id, process, pid, ...exit, unixNs: '' });
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'told to end');
      system.stop();
    });
  }
  // Whoever comes earlier would find none of the containers there.
  await system.restored;
  crashPoint('start-up.restored');
  const machine = { id: flags.id, cpus: os.cpus().length, memoryBytes: BigInt(os.totalmem()) };
  const stats = createStatsCollector({
    startThread: statsThread(STATS_PROGRAM),
    find: findSubject(stateDir.runc),
  });
  const inspector = flags.inspect && (await inspect(flags.inspect, { ...flags, recorder, log }));
  if (inspector) log.info({ url: inspector.url }, 'the live page is there');
  const server = await listen(
    {
      api: createApi({ system, hub, stats, machine }),
      inspect: createInspectApi({ recorder, system, stats }),
    },
    {
      socketPath: flags.listen,
      group: flags.group,
      onTrouble: (err) => log.warn({ err }, 'a connection could not be taken'),
    },
  );
  crashPoint('start-up.listening');
  const stopMetrics = startMetrics(flags, { starts, startCount, system, hub }, log);
  const saving = setInterval(saveStartCount, Math.min(flags.metricsIntervalMs, SAVE_AT_LEAST_MS));
  log.info({ listen: flags.listen, stateDir: stateDir.root, id: flags.id }, 'containerd is ready');

  await system.stopped;
  crashPoint('end.containers-gone');
  stopMetrics();
  clearInterval(saving);
  await saveStartCount();
  // What a full disk does not take, the shim keeps for the next daemon.
  await journal.close();
  crashPoint('end.journal-closed');
  await announcer.settled();
  crashPoint('end.settled');
  server.close();
  inspector?.close();
  stats.close();
  errands.close();
  lock.release();
  log.info('containerd has ended');
}

/** Serves the live page; what it takes is not even loaded where nobody asks for it. */
async function inspect(
  address: InspectAddress,
  {
    id,
    inspectSecrets: secrets,
    recorder,
    log,
  }: Pick<DaemonFlags, 'id' | 'inspectSecrets'> & { recorder: Recorder; log: Logger },
): Promise<Inspector> {
  const { startInspector } = await import('./inspector/server.ts');
  const page = await readFile(INSPECTOR_PAGE, 'utf8');
  const onTrouble = (err: Error) => log.warn({ err }, 'a connection to the live page could not be taken');
  return startInspector({ ...address, id, secrets, recorder, page, onTrouble });
}

/** Says once that the journal cannot be written, and once that it can be again. */
function createTroubleLog(log: Logger): (error: Error | undefined) => void {
  let inTrouble = false;
  return (error) => {
    if (error !== undefined && !inTrouble) log.error({ err: error }, 'the journal cannot be written');
    if (error === undefined && inTrouble) log.info('the journal is written again');
    inTrouble = error !== undefined;
  };
}
