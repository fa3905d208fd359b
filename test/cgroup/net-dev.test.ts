import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseNetDev } from '../../src/cgroup/net-dev.ts';
import { captured } from './captured.ts';

it('every interface is there with its bytes, packets, errors and drops, whether a blank follows its name or not', () => {
  const [lo, eth0, ...more] = parseNetDev(readFileSync(captured('net-dev'), 'latin1'));
  expect(more).toEqual([]);
  expect(lo).toMatchObject({
    name: 'lo',
    rx_bytes: 3193n,
    rx_Packets: 29n,
    Tx_bytes: 3193n,
    Tx_packets: 29n,
  });
  expect(eth0).toEqual({
    name: 'eth0',
    rx_bytes: 18_446_744_073_709_551_615n,
    rx_Packets: 6540n,
    Rx_errors: 1n,
    Rx_dropped: 2n,
    Tx_bytes: 453_717n,
    Tx_packets: 4193n,
    Tx_errors: 7n,
    Tx_dropped: 8n,
  });
});

it('a file that could not be read lists no interface', () => {
  expect(parseNetDev('')).toEqual([]);
});
