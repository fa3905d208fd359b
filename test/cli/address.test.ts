import path from 'node:path';
import { expect, it } from 'vitest';
import { parseAddress } from '../../src/cli/address.ts';
import { CliError } from '../../src/cli/error.ts';

it.each([
  ['/run/containerd/containerd.sock', '/run/containerd/containerd.sock'],
  ['unix:///run/containerd/containerd.sock', '/run/containerd/containerd.sock'],
  ['unix:/run/c.sock', '/run/c.sock'],
  ['/run//x/../c.sock', '/run/c.sock'],
  ['c.sock', path.resolve('c.sock')],
])('%s is the socket %s', (address, socketPath) => {
  expect(parseAddress(address)).toBe(socketPath);
});

it.each([
  ['', 'the address is empty'],
  ['unix://', 'the address is empty'],
  ['tcp://127.0.0.1:80', "tcp is not supported: the address is a unix socket's"],
  [`/${'x'.repeat(107)}`, `/${'x'.repeat(107)} is longer than the 107 bytes of a socket's path`],
])('%j is no address', (address, message) => {
  expect(() => parseAddress(address)).toThrow(new CliError(message));
});
