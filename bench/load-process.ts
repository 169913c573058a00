/** The process that asks: it takes what to ask for from its parent, one load at a time, and answers what it saw. */

import { readFileSync } from 'node:fs';
import type { Asked } from './load.ts';
import { startRecord } from './load-record.ts';
import { askBySockets } from './load-sockets.ts';

// Loaded only where it is wanted.
const ask = process.argv[2] === 'autocannon' ? (await import('./load-autocannon.ts')).askByAutocannon : askBySockets;
const read = new Map<string, string[]>();

process.on('message', async (asked: Asked) => {
  const record = startRecord(asked);
  await ask(asked, pathsOf(asked.paths), record);
  process.send?.(record.result());
});
process.on('disconnect', () => process.exit());

function pathsOf(file: string): string[] {
  let paths = read.get(file);
  if (paths === undefined) {
    paths = readFileSync(file, 'utf8').trimEnd().split('\n');
    read.set(file, paths);
  }
  return paths;
}
