import { getSystemErrorName } from 'node:util';
import { crashPoint } from '../crash-point.ts';
import { ContainerdError, hostTrouble } from '../errors.ts';
import { RuncTrouble, type RunRunc } from '../runc/runc.ts';
import type { ShimClient } from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';

/** What the host lacks, where that is why the shim could not do something. */
export const troubleOf = (error: ShimError): ContainerdError | undefined =>
  error.errno === 0 ? undefined : hostTrouble(getSystemErrorName(-error.errno), error);

/** The environment of every runc: it looks for CRIU and for iptables there. */
export const runcEnv = (): string[] => [`PATH=${process.env.PATH ?? ''}`];

/**
 * Has the shim run each runc; `settleLost` resolves once none of a shim that was lost is at work: what that one did is done
 * before anybody hears of the loss, and looks. A process of the daemon’s size takes milliseconds to fork, in which it answers nobody;
 * the shim starts one in a fraction of that, and what runc leaves behind has a parent there.
 */
export const createRunRunc =
  (shim: () => ShimClient, settleLost: () => Promise<void>): RunRunc =>
  async ({ container, argv, timeoutMs }) => {
    try {
      const ran = await shim().run({ container, argv, env: runcEnv(), cwd: '/', timeoutMs });
      crashPoint('runc.ran');
      return ran;
    } catch (error) {
      if (!(error instanceof ShimError)) throw error;
      if (error.reason === 'lost') {
        // It may be the same one on a new connection; where there is none, nothing is at work there.
        await shim()
          .settle(container)
          .catch(() => {});
        await settleLost();
        throw new ContainerdError('shimLost', error.message, { cause: error });
      }
      throw new RuncTrouble(error.message, { timedOut: error.reason === 'timeout', cause: error });
    }
  };
