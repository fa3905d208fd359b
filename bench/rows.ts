import type { Row } from './row.ts';
import { idleCpu, ownCpu, statsCpu } from './rows/cpu.ts';
import { cycleRate } from './rows/cycle-rate.ts';
import { endRate } from './rows/end-rate.ts';
import { execRate } from './rows/exec-rate.ts';
import { historyCost } from './rows/history-cost.ts';
import { inspectCost } from './rows/inspect-cost.ts';
import { manyContainers } from './rows/many-containers.ts';
import { baseMemory, memoryPerContainer } from './rows/memory.ts';
import { outputRate } from './rows/output.ts';
import { coldStart, ctrStart, restart } from './rows/restart.ts';
import { startLatency } from './rows/start-latency.ts';
import { crunStartRate, startRate } from './rows/start-rate.ts';
import { polledStart, stateLatency } from './rows/state.ts';
import { subscribers } from './rows/subscribers.ts';

/** What the daemon promises, in the order in which it is measured: those that share many containers stand together. */
export const ROWS: readonly Row[] = [
  startRate,
  crunStartRate,
  startLatency,
  cycleRate,
  execRate,
  endRate,
  inspectCost,
  historyCost,
  ownCpu,
  baseMemory,
  coldStart,
  ctrStart,
  outputRate,
  subscribers,
  manyContainers,
  memoryPerContainer,
  idleCpu,
  statsCpu,
  stateLatency,
  polledStart,
  restart,
];
