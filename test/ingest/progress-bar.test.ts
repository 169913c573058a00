import { describe, expect, it } from 'vitest';
import { type ProgressState, progressLine, terminalReport } from '../../src/ingest/progress-bar.ts';

const state = (fields: Partial<ProgressState> = {}): ProgressState => ({
  file: 'claims.csv',
  size: 200_000_000,
  bytesRead: 50_000_000,
  bytesBefore: 0,
  counts: { read: 100_000, rejected: 0 },
  recordsBefore: 0,
  seconds: 10,
  ...fields,
});

describe('the line of progress', () => {
  it.each<[string, Partial<ProgressState>, string]>([
    [
      'shows bytes, records, rate and time left',
      {},
      'claims.csv  [=====               ] 25%  50.0 MB of 200 MB  100,000 records  10,000/s  30 s left',
    ],
    [
      'shows rejects where there are some',
      { counts: { read: 100_000, rejected: 1200 } },
      'claims.csv  [=====               ] 25%  50.0 MB of 200 MB  100,000 records  1,200 rejected  10,000/s  30 s left',
    ],
    [
      'does not guess a rate at the start',
      { seconds: 1 },
      'claims.csv  [=====               ] 25%  50.0 MB of 200 MB  100,000 records',
    ],
    [
      'counts for its rate what this attempt did',
      { bytesBefore: 40_000_000, recordsBefore: 80_000 },
      'claims.csv  [=====               ] 25%  50.0 MB of 200 MB  100,000 records  2,000/s  2 min 30 s left',
    ],
    ['has no bar where the format does not tell', { bytesRead: null }, 'claims.csv  100,000 records  10,000/s'],
    [
      'is full at the end',
      { bytesRead: 200_000_000, seconds: 0 },
      'claims.csv  [====================]100%  200 MB of 200 MB  100,000 records',
    ],
    ['is that of an empty file', { size: 0, bytesRead: 0, counts: undefined, seconds: 0 }, 'claims.csv  0 records'],
  ])('%s', (_what, fields, line) => {
    expect(progressLine(state(fields), 200)).toBe(line);
  });

  it('never is wider than the terminal', () => {
    for (let width = 1; width < 130; width += 1) {
      const line = progressLine(state({ file: `${'deep/'.repeat(20)}claims.csv` }), width);
      expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(progressLine(state(), 50)).toBe('claims.csv  [=====               ] 25%');
  });
});

it('is written over, and gives way to lines', () => {
  let written = '';
  let now = 0;
  const report = terminalReport({ write: (text) => (written += text), columns: 70 }, () => now);
  report.begin({ name: 'a.csv', format: 'rif', size: 1000, goingOnAt: undefined, bytesRead: () => 500 });
  report.progress({ read: 5, added: 5, changed: 0, unchanged: 0, rejected: 0, warned: 0 });
  now = 1000;
  report.say('warn', 'b.csv', 'odd');
  report.say('debug', 'b.csv', 'unsaid');
  report.end();
  report.say('info', 'a.csv', 'loaded');
  const bar = '[==========          ] 50%';
  expect(written.split('\r\x1b[K')).toEqual([
    '',
    `a.csv  ${bar}  500 B of 1.0 kB  0 records`,
    'b.csv: odd\n',
    `a.csv  ${bar}  500 B of 1.0 kB  5 records`,
    'a.csv: loaded\n',
  ]);
});
