/** Writes an answer to a file, as a client does: started with port, path and file, and the token in TOKEN. */

import { createWriteStream } from 'node:fs';
import { get } from 'node:http';
import { pipeline } from 'node:stream/promises';

export interface Downloaded {
  seconds: number;
  error?: string;
}

const [port, path, file] = process.argv.slice(2) as [string, string, string];
const started = performance.now();
const done = (error?: string) => {
  const seconds = (performance.now() - started) / 1000;
  process.send?.({ seconds, ...(error !== undefined && { error }) });
  process.disconnect?.();
};

get({ host: '127.0.0.1', port, path, headers: { authorization: `Bearer ${process.env.TOKEN}` } }, (answer) => {
  if (answer.statusCode !== 200) return done(`answered ${answer.statusCode}`);
  pipeline(answer, createWriteStream(file, { highWaterMark: 1 << 20 })).then(
    () => done(),
    (error: Error) => done(error.message),
  );
}).on('error', (error) => done(error.message));
