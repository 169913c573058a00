import autocannon from 'autocannon';
import type { Asked } from './load.ts';
import { faultOf } from './load-answer.ts';
import type { Record } from './load-record.ts';

/** One answer of so many is read, not only counted. */
const readOneOf = 50;
const patienceSeconds = 60;

/** The same by autocannon, for who would rather trust its figures: `--load autocannon`. */
export async function askByAutocannon(asked: Asked, paths: string[], record: Record): Promise<void> {
  const { port, tokens, connections, headers = {}, statuses = [200], body } = asked;
  let asks = 0;
  const instance = autocannon({
    url: `http://127.0.0.1:${port}`,
    connections,
    duration: 3600,
    timeout: patienceSeconds,
    requests: [
      {
        setupRequest(request, context) {
          asks += 1;
          const path = paths[Math.floor(Math.random() * paths.length)] as string;
          context.path = path;
          return { ...request, path, headers: { ...headers, authorization: `Bearer ${tokens[asks % tokens.length]}` } };
        },
        onResponse(status, text, { path = '' }, answered) {
          const names = Object.keys(answered).map((name) => name.toLowerCase());
          if (!statuses.includes(status)) record.wrong(`${path}: ${status}`);
          else if (status === 503 && !names.includes('retry-after')) record.wrong(`${path}: 503 without Retry-After`);
          else if (body !== undefined && status === 200 && asks % readOneOf === 0) {
            const fault = faultOf(text, path, body);
            if (fault !== undefined) record.wrong(`${path}: ${fault}`);
          }
        },
      },
    ],
  });
  instance.on('response', (_client, status, _bytes, took) => {
    record.answered(status, took);
    if (record.ended()) instance.stop();
  });
  instance.on('reqError', (error) => {
    record.wrong(error.message);
    if (record.ended()) instance.stop();
  });
  await instance;
}
