/** What can happen to a container, as those who drive it have it. */

/** What a client asks of a container; `ends` is that its process ends by itself. */
export const CLIENT_STEPS = ['create', 'pause', 'resume', 'kill', 'exec', 'checkpoint', 'ends'] as const;
export type ClientStep = (typeof CLIENT_STEPS)[number];

/** What a client asks, while what is done for it fails; that an exec ends; and that the shim is killed. */
export const FAULTY_STEPS = [
  'create fails',
  'pause fails',
  'resume fails',
  'kill fails',
  'exec fails',
  'checkpoint fails',
  'exec ends',
  'shim dies',
] as const;

/** Whatever can happen on a host that is simulated. */
export type HostStep = ClientStep | (typeof FAULTY_STEPS)[number];
export const HOST_STEPS: readonly HostStep[] = [...CLIENT_STEPS, ...FAULTY_STEPS];

/** As `State` has it; `absent` where it does not list the container. */
export type ClientStatus = 'absent' | 'running' | 'paused';

/** Steps from a daemon without containers, each with the status that it has to lead to. */
export type Path<Step extends HostStep = ClientStep> = { step: Step; status: ClientStatus }[];
export type ClientPath = Path<ClientStep>;

type Asked = Exclude<ClientStep, 'ends'>;
/** A request, by the effect that is done for it; undefined for what is none. */
const EFFECTS = {
  create: 'launch',
  exec: 'launch',
  pause: 'pause',
  resume: 'resume',
  kill: 'signal',
  checkpoint: 'checkpoint',
} as const satisfies Record<Asked, string>;

/** What a client asks in a step, and the effect that fails in it; undefined where nobody asks. */
export function askedIn(
  step: HostStep,
): { ask: Asked; failing: (typeof EFFECTS)[Asked] | undefined } | undefined {
  const [word = '', how] = step.split(' ');
  if (!(word in EFFECTS) || how === 'ends') return undefined;
  const ask = word as Asked;
  return { ask, failing: how === 'fails' ? EFFECTS[ask] : undefined };
}
