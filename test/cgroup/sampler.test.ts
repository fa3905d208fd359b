import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { createKernelFiles } from '../../src/cgroup/kernel-files.ts';
import { createNetworks } from '../../src/cgroup/networks.ts';
import { createSampler, type Sampler, type Subject } from '../../src/cgroup/sampler.ts';
import { Stats } from '../../src/generated/messages/api.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import { pathsV1, pathsV2 } from './captured.ts';

const self = { pid: process.pid, startTime: String(processStat(process.pid)?.startTime) };
const samplerOf = (subject: Subject): Sampler => {
  const files = createKernelFiles(100);
  return createSampler(subject, files, createNetworks(files));
};
const sampled = (sampler: Sampler): Uint8Array => {
  const writer = new BinaryWriter();
  sampler.sample(writer);
  return writer.finish();
};
const sampleOf = (subject: Subject) => {
  const sampler = samplerOf(subject);
  const bytes = sampled(sampler);
  sampler.close();
  return bytes.length === 0 ? undefined : Stats.decode(bytes);
};

describe('a sample', () => {
  it('is stamped in unix seconds, and has the network of the container’s init', () => {
    const before = BigInt(Math.floor(Date.now() / 1000));
    const sample = sampleOf({ cgroupPaths: pathsV1(), ...self });
    expect(sample?.timestamp).toBeGreaterThanOrEqual(before);
    expect(sample?.timestamp).toBeLessThanOrEqual(before + 2n);
    expect(sample?.network_stats.map(({ name }) => name)).toContain('lo');
  });

  it('is of v1 where the container has v1 controllers, though it has a folder of v2 beside them', () => {
    const sample = sampleOf({ cgroupPaths: { ...pathsV1(), ...pathsV2() }, ...self });
    expect(sample?.cgroup_stats?.cpu_stats?.cpu_usage?.percpu_usage).toHaveLength(4);
  });

  it('is of v2 where the container has one cgroup', () => {
    const sample = sampleOf({ cgroupPaths: pathsV2(), ...self });
    expect(sample?.cgroup_stats?.memory_stats?.stats).toHaveProperty('anon');
  });

  it('has no network of a process that has the pid of an init that is gone', () => {
    const sample = sampleOf({ cgroupPaths: pathsV1(), ...self, startTime: '1' });
    expect(sample?.network_stats).toEqual([]);
    expect(sample?.cgroup_stats?.memory_stats?.cache).toBe(33_554_432n);
  });

  it('has what is left where a controller is missing', () => {
    const { memory: _, ...cgroupPaths } = pathsV1();
    const sample = sampleOf({ cgroupPaths, ...self });
    expect(sample?.cgroup_stats).toMatchObject({
      memory_stats: { usage: { usage: 0n }, stats: {} },
      cpu_stats: { cpu_usage: { total_usage: 1_830_145_627_310n } },
    });
  });

  it('is none where the container’s cgroups are gone', () => {
    expect(
      sampleOf({ cgroupPaths: { memory: '/nonexistent', cpu: '/nonexistent' }, ...self }),
    ).toBeUndefined();
    expect(sampleOf({ cgroupPaths: { '': '/nonexistent' }, ...self })).toBeUndefined();
  });

  it.each([
    ['v1', pathsV1, 'memory', 'memory.usage_in_bytes'],
    ['v2', pathsV2, '', 'memory.current'],
  ])(
    'tells of %s what has changed since the last, and what has not as well',
    (_, paths, controller, file) => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'sampler-'));
      const cgroupPaths = Object.fromEntries(
        Object.entries(paths()).map(([name, from]) => {
          cpSync(from, path.join(folder, name), { recursive: true });
          return [name, path.join(folder, name)];
        }),
      );
      const sampler = samplerOf({ cgroupPaths, ...self });
      const sample = () => Stats.decode(sampled(sampler));
      const { cgroup_stats: before } = sample();
      expect(sample().cgroup_stats).toEqual(before);
      writeFileSync(path.join(folder, controller, file), `${2n ** 63n + 1n}\n`, { flag: 'r+' });
      const { cgroup_stats: after } = sample();
      expect(after?.memory_stats?.usage?.usage).toBe(2n ** 63n + 1n);
      expect(after?.memory_stats?.stats).toEqual(before?.memory_stats?.stats);
      expect({ ...after, memory_stats: undefined }).toEqual({ ...before, memory_stats: undefined });
      sampler.close();
      rmSync(folder, { recursive: true });
    },
  );
});
