import { countOomKills, watchOomKills } from '../cgroup/oom.ts';
import { crashPoint } from '../crash-point.ts';
import type { Logger } from '../log.ts';
import { readStateFile } from '../runc/state-file.ts';
import type { StateDir } from './state-dir.ts';
import type { OomPorts } from './system.ts';

/** Counts and watches OOM kills in containers, by the cgroups that runc has written down. */
export function createOom(stateDir: StateDir, log: Logger): OomPorts {
  const pathsOf = async (id: string) => (await readStateFile(stateDir.runc, id))?.cgroupPaths ?? {};
  return {
    async count({ id }) {
      const kills = await countOomKills(await pathsOf(id));
      crashPoint('oom.counted');
      return kills;
    },
    watch({ id }, onKills) {
      const trouble = (err: unknown): void =>
        log.warn({ err, id }, 'OOM kills are told only when a process ends');
      const watching = pathsOf(id).then((paths) => watchOomKills(paths, onKills, trouble));
      watching.catch(trouble);
      return () =>
        void watching.then(
          (close) => close(),
          () => {},
        );
    },
  };
}
