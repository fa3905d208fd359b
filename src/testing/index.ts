/** `containerd-xstate/testing`: for whoever drives containers by the daemon's charts. docs/model-based-testing.md */
export { containerMachine } from '../machines/container.ts';
export { processMachine } from '../machines/process.ts';
export { supervisorMachine } from '../machines/supervisor.ts';
export { allPaths, shortestPaths, simplePaths, stepPaths } from './client-chart.ts';
export { Coverage, type CoverageReport, printCoverage } from './coverage.ts';
export { type Driven, drive, pureDriven } from './drive.ts';
export { type LiveOptions, liveDriven } from './live-driven.ts';
export { type SimulatedOptions, simulatedDriven } from './simulated-driven.ts';
export {
  CLIENT_STEPS,
  type ClientPath,
  type ClientStatus,
  type ClientStep,
  FAULTY_STEPS,
  HOST_STEPS,
  type HostStep,
  type Path,
} from './step.ts';
