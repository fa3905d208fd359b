import type { NetworkStats } from '../generated/messages/api.ts';
import { parseCounter } from './counters.ts';

/** `eth0: 177305336 6540 …`: eight numbers received, eight transmitted (proc_pid_net(5)). The two lines of headings have no colon. */
const LINE = /^\s*(\S+):\s*(.*)$/gm;

/** The network interfaces that a `/proc/<pid>/net/dev` lists. */
export function parseNetDev(text: string): NetworkStats[] {
  return [...text.matchAll(LINE)].map(([, name = '', numbers = '']) => {
    const [rxBytes, rxPackets, rxErrors, rxDropped, , , , , txBytes, txPackets, txErrors, txDropped] = numbers
      .trim()
      .split(/\s+/)
      .map(parseCounter);
    return {
      name,
      rx_bytes: rxBytes ?? 0n,
      rx_Packets: rxPackets ?? 0n,
      Rx_errors: rxErrors ?? 0n,
      Rx_dropped: rxDropped ?? 0n,
      Tx_bytes: txBytes ?? 0n,
      Tx_packets: txPackets ?? 0n,
      Tx_errors: txErrors ?? 0n,
      Tx_dropped: txDropped ?? 0n,
    };
  });
}
