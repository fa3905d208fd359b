import type { AnyStateMachine } from 'xstate';
import { containerMachine } from '../machines/container.ts';
import { processMachine } from '../machines/process.ts';
import { supervisorMachine } from '../machines/supervisor.ts';

export type ChartName = 'container' | 'process' | 'supervisor';

const machines: Record<ChartName, unknown> = {
  container: containerMachine,
  process: processMachine,
  supervisor: supervisorMachine,
};

/** The charts of the daemon, by their names. */
export const MACHINES = machines as Record<ChartName, AnyStateMachine>;
export const CHART_NAMES = Object.keys(MACHINES) as ChartName[];
