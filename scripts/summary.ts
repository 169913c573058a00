/**
 * Puts JUnit reports into words, in Markdown: `npm run summary -- TITLE FILE ...`. In a GitHub workflow they go to the
 * job's summary, else to standard output. A report that is not there is said to be missing: its tests may not have begun.
 */

import { appendFile, readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const text = (xml = '') =>
  xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, decimal, hex, name) =>
    name ? (entities[name] ?? all) : String.fromCodePoint(decimal ? Number(decimal) : Number.parseInt(hex, 16)),
  );

// What stands in a heading or a line must not end it, nor begin anything.
const plain = (line: string) => line.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, '\\$&');

const attribute = (tag: string, name: string) => text(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]);

/** How many tests did what, and the first lines of each failure. */
export function summarize(title: string, reports: readonly string[]): string {
  const cases = reports.flatMap((report) =>
    Array.from(report.matchAll(/<testcase(\s[^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs), ([, tag = '', body = '']) => ({
      name: `${attribute(tag, 'classname')} › ${attribute(tag, 'name')}`,
      seconds: Number(attribute(tag, 'time')) || 0,
      skipped: body.includes('<skipped'),
      failure: /<(?:failure|error)(\s[^>]*?)?(?:\/>|>(.*?)<\/(?:failure|error)>)/s.exec(body),
    })),
  );
  const failed = cases.filter(({ failure }) => failure);
  const skipped = cases.filter(({ skipped }) => skipped).length;
  const passed = cases.length - failed.length - skipped;
  const seconds = cases.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    `### ${cases.length === 0 || failed.length > 0 ? '❌' : '✅'} ${plain(title)}`,
    '',
    cases.length === 0
      ? 'No test has reported.'
      : `${passed} passed, ${failed.length} failed, ${skipped} skipped, in ${seconds.toFixed(0)} s of tests`,
    ...failed.flatMap(({ name, failure }) => [
      '',
      `#### ${plain(name)}`,
      '',
      // Four spaces make it code, whatever it says.
      ...(text(failure?.[2]) || attribute(failure?.[1] ?? '', 'message'))
        .trim()
        .split('\n')
        .slice(0, 20)
        .map((line) => `    ${line}`),
    ]),
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [title, ...paths] = process.argv.slice(2);
  if (!title || paths.length === 0) throw new Error('expected TITLE FILE ...');
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return '';
    });
  const summary = summarize(title, await Promise.all(paths.map(read)));
  if (process.env.GITHUB_STEP_SUMMARY) await appendFile(process.env.GITHUB_STEP_SUMMARY, `${summary}\n`);
  else console.log(summary);
}
