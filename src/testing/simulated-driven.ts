import type { InspectionEvent } from 'xstate';
import { INIT } from '../machines/messages.ts';
import type { Driven } from './drive.ts';
import { requestOf } from './moves.ts';
import { SimulatedRuntime } from './simulated-runtime.ts';

const ID = 'c';

/** The daemon's charts as it composes them, on a host that is simulated. */
export async function simulatedDriven(inspect: (event: InspectionEvent) => void = () => {}): Promise<Driven> {
  const runtime = new SimulatedRuntime();
  const { host, steps } = runtime;
  const { system } = runtime.startDaemon({ inspect });
  await steps.toTheEnd();
  let [asked, checkpoints] = [0, 0];
  return {
    async take(step) {
      asked += 1;
      if (step === 'ends') {
        const init = host.kernel.containers.get(ID)?.processes.get(INIT);
        if (init !== undefined && system.find(ID)?.status === 'running') host.kernel.die(init, 0);
      } else {
        const request = requestOf(step, String(asked), ID);
        if (request.type === 'checkpoint') {
          checkpoints += 1;
          request.checkpoint.name = String(checkpoints);
        }
        void system.request(request);
      }
      await steps.toTheEnd();
    },
    status: async () => system.find(ID)?.status ?? 'absent',
  };
}
