import type { InspectionEvent } from 'xstate';
import { INIT } from '../machines/messages.ts';
import type { Driven } from './drive.ts';
import { requestOf } from './request.ts';
import type { Fault } from './simulated-host.ts';
import type { SimulatedProcess } from './simulated-kernel.ts';
import { SimulatedRuntime } from './simulated-runtime.ts';
import { askedIn, type HostStep } from './step.ts';

export type SimulatedOptions = {
  /** For XState's `inspect`. */
  inspect?: (event: InspectionEvent) => void;
  /** How what fails does: at once, half-way unless said otherwise, or at its deadline. */
  fault?: Fault;
};

const ID = 'c';

/** The daemon's charts as it composes them, on a host that is simulated. */
export async function simulatedDriven({
  inspect = () => {},
  fault = 'dies',
}: SimulatedOptions = {}): Promise<Driven<HostStep>> {
  const runtime = new SimulatedRuntime();
  const { host, steps } = runtime;
  const { system } = runtime.startDaemon({ inspect });
  await steps.toTheEnd();
  let [asked, checkpoints] = [0, 0];

  function ask(step: NonNullable<ReturnType<typeof askedIn>>): void {
    asked += 1;
    const request = requestOf(step.ask, String(asked), ID);
    if (request.type === 'checkpoint') {
      checkpoints += 1;
      request.checkpoint.name = String(checkpoints);
    }
    if (step.failing !== undefined) host.break(step.failing, fault);
    void system.request(request);
  }
  /** A process that is not frozen ends by itself. */
  function end(isIt: (process: SimulatedProcess) => boolean): void {
    const it = [...(host.kernel.containers.get(ID)?.processes.values() ?? [])].find(isIt);
    if (it !== undefined && system.find(ID)?.status === 'running') host.kernel.die(it, 0);
  }

  return {
    async take(step) {
      const request = askedIn(step);
      if (request !== undefined) ask(request);
      else if (step === 'shim dies') runtime.killShim();
      else end(({ process }) => (process === INIT) === (step === 'ends'));
      await steps.toTheEnd();
      // What was to fail, and was not come to.
      host.mend();
    },
    status: async () => system.find(ID)?.status ?? 'absent',
  };
}
