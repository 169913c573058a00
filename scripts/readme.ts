/**
 * Writes the parts that are made of others: the settings in README.md and in the schema of the chart's values, the table
 * of values in chart/README.md, the versions in chart/Chart.yaml: `node scripts/readme.ts`. With --check, fails where one
 * is out of date.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { isMap, parseDocument, type YAMLMap } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { configSchema, configTable } from '../src/config.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

/** The text with something else between the marks of a part. */
function withPart(text: string, part: string, content: string): string {
  const [begin, end] = [`<!-- ${part}: begin -->`, `<!-- ${part}: end -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`expected ${begin} … ${end}, found no such part`);
  return `${before}${begin}\n${content}\n${end}${after}`;
}

function withSettings(schema: string): string {
  const parsed = JSON.parse(schema);
  parsed.properties.settings = configSchema();
  return `${JSON.stringify(parsed, null, 2)}\n`;
}

const withVersions = (chart: string) =>
  chart.replace(/^((?:app)?[vV]ersion): .*$/gm, (_, name: string) => `${name}: ${packageJson.version}`);

/** A row for each value that has a comment which starts with `--`, in the order of the file. */
function valuesTable(values: string): string {
  const rows: string[] = [];
  const add = (map: YAMLMap, prefix: string) => {
    for (const [index, { key, value }] of map.items.entries()) {
      const name = key as { value: string; commentBefore?: string };
      const comment = (name.commentBefore ?? (index === 0 ? map.commentBefore : undefined))?.split('\n').at(-1)?.trim();
      if (comment?.startsWith('-- ')) {
        const text = value === null ? '' : JSON.stringify((value as { toJSON(): unknown }).toJSON());
        rows.push(`| \`${prefix}${name.value}\` | \`${text}\` | ${comment.slice(3).replaceAll('|', '\\|')} |`);
      } else if (isMap(value)) add(value, `${prefix}${name.value}.`);
      else throw new Error(`values.yaml: expected a comment that starts with -- above ${prefix}${name.value}`);
    }
  };
  add(parseDocument(values).contents as YAMLMap, '');
  return ['| value | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

const values = await read('chart/values.yaml');
const made: [path: string, make: (found: string) => string][] = [
  ['README.md', (found) => withPart(found, 'settings', configTable())],
  ['chart/README.md', (found) => withPart(found, 'values', valuesTable(values))],
  ['chart/values.schema.json', withSettings],
  ['chart/Chart.yaml', withVersions],
];
for (const [path, make] of made) {
  const found = await read(path);
  const expected = make(found);
  if (found === expected) continue;
  if (process.argv.includes('--check')) {
    console.error(`${path} is not what its sources make of it: run \`npm run readme\` and commit the result.`);
    process.exitCode = 1;
  } else await writeFile(new URL(path, root), expected);
}
