import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Fault, Faulty } from '../../src/testing/simulated-host.ts';

/** A runtime that does as runc does, but for the calls that are to go wrong. */
export type FaultyRuntime = {
  file: string;
  /** The next call for this goes wrong: at once, or, of a start, with a container left that nobody was told of. */
  break(effect: Faulty, fault: Fault): Promise<void>;
  /** Nothing goes wrong any more. */
  mend(): Promise<void>;
};

const EFFECTS = ['launch', 'pause', 'resume', 'checkpoint', 'delete'];

/** Makes one in a folder of its own. */
export async function makeFaultyRuntime(folder: string): Promise<FaultyRuntime> {
  const file = path.join(folder, 'runtime');
  const faultOf = (effect: string): string => path.join(folder, `fault-${effect}`);
  await writeFile(
    file,
    `#!/bin/sh
case " $* " in
  *" run "* | *" restore "* | *" create "*) effect=launch ;;
  *" exec "*) effect=launch exec=1 ;;
  *" pause "*) effect=pause ;;
  *" resume "*) effect=resume ;;
  *" checkpoint "*) effect=checkpoint ;;
  *" delete "*) effect=delete ;;
  *) effect=none ;;
esac
# Whoever has renamed it has it.
if mv ${folder}/fault-$effect ${folder}/taken-$$ 2>/dev/null; then
  read how <${folder}/taken-$$
  rm ${folder}/taken-$$
  if [ "$how" = dies ] && [ $effect = launch ] && [ -z "$exec" ]; then runc "$@"; fi
  echo 'it broke' >&2
  exit 1
fi
exec runc "$@"
`,
    { mode: 0o755 },
  );
  return {
    file,
    break: (effect, fault) => writeFile(faultOf(effect), `${fault}\n`),
    async mend() {
      for (const effect of EFFECTS) await rm(faultOf(effect), { force: true });
    },
  };
}
