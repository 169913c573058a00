/** Writes the generated parts of README.md: `node scripts/readme.ts`. With --check, fails where they are out of date. */

import { readFile, writeFile } from 'node:fs/promises';
import { configTable } from '../src/config.ts';

const path = new URL('../README.md', import.meta.url);
const begin = '<!-- settings: begin -->';
const end = '<!-- settings: end -->';

const found = await readFile(path, 'utf8');
const [before, rest] = found.split(begin);
const after = rest?.split(end)[1];
if (before === undefined || after === undefined) throw new Error(`README.md has no ${begin} … ${end}`);
const expected = `${before}${begin}\n${configTable()}\n${end}${after}`;

if (!process.argv.includes('--check')) await writeFile(path, expected);
else if (found !== expected) {
  console.error(
    'The settings in README.md are not those of src/config.ts: run `npm run readme` and commit the result.',
  );
  process.exitCode = 1;
}
