import { execFileSync } from 'node:child_process';
import { describe } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { engineIsPromised } from './engine.ts';
import { run, tryRun } from './run.ts';

/** A Kubernetes object, as far as tests look into it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
}

/** What stands at a path of names and places, such as `spec.containers.0.image`. */
export function at(object: unknown, path: string): unknown {
  return path.split('.').reduce((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);
}

export const workloads = ['Deployment', 'StatefulSet', 'Job', 'CronJob', 'Pod'];

/** The pods that these objects make, each with the name of its kind and object. */
export function podSpecs(manifests: Manifest[]): [name: string, spec: Record<string, unknown>][] {
  return manifests
    .filter(({ kind }) => workloads.includes(kind))
    .map((manifest) => {
      const { kind, metadata } = manifest;
      const path =
        kind === 'Pod' ? 'spec' : kind === 'CronJob' ? 'spec.jobTemplate.spec.template.spec' : 'spec.template.spec';
      return [`${kind} ${metadata.name}`, at(manifest, path) as Record<string, unknown>];
    });
}

function areThere(...programs: string[]): boolean {
  try {
    for (const program of programs) execFileSync(program, ['--help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A group of tests that needs helm: left out, and said to be, where there is none and none is promised. */
export function describeWithHelm(name: string, tests: () => void): void {
  const found = engineIsPromised || areThere('helm', 'kubectl-validate');
  if (!found) console.log(`The tests of ${name} are left out: helm and kubectl-validate are not on the path.`);
  describe.skipIf(!found)(name, tests);
}

type Values = Record<string, string | number | boolean>;

/** The least that the chart asks for, as far as these values do not say it. */
export function withLeast(values: Values): Values {
  const names = Object.keys(values).join(' ');
  return {
    ...(names.includes('data.') ? {} : { 'data.empty': '{}' }),
    ...(/database\.|postgresql\.enabled/.test(names) ? {} : { 'database.existingSecret': 'database' }),
    ...values,
  };
}

/** With every part that the chart can add, but the PostgreSQL for trials. */
export const everything = {
  'import.by': 'cronjob',
  'autoscaling.enabled': true,
  'ingress.enabled': true,
  'httpRoute.enabled': true,
  'httpRoute.parentRefs': '[{"name":"public"}]',
};
export const withPostgresql = { 'database.existingSecret': '', 'postgresql.enabled': true };

/** What holds of all objects, or all pods, is to hold with each of these values. */
export const variants: [what: string, values: Values][] = [
  ['with all of its parts', everything],
  ['with the PostgreSQL for trials', withPostgresql],
];

/** Values that are JSON, and others as `--set` has them. */
const toArguments = (values: Values) =>
  Object.entries(values).flatMap(([name, value]) => [
    /^[[{]/.test(String(value)) ? '--set-json' : '--set',
    `${name}=${value}`,
  ]);

const command = (values: Values, args: string[]) => [
  ...['template', 'claims-api', 'chart', '--namespace', 'uat'],
  ...toArguments(values),
  ...args,
];

const rendered = new Map<string, Promise<string>>();

/** What the chart makes of these values, each an object. */
export async function template(values: Values = {}, args: string[] = []): Promise<Manifest[]> {
  const complete = command(args.includes('-f') ? values : withLeast(values), args);
  const key = complete.join('\n');
  const output = rendered.get(key) ?? run('helm', complete);
  rendered.set(key, output);
  return parseAllDocuments(await output).flatMap((document) => (document.toJSON() as Manifest | null) ?? []);
}

/** What helm says against these values alone; undefined where it takes them. */
export async function refusal(values: Values, args: string[] = []): Promise<string | undefined> {
  const { status, stderr } = await tryRun('helm', command(values, args));
  return status === 0 ? undefined : stderr;
}

export function find(manifests: Manifest[], kind: string, name?: string): Manifest | undefined {
  return manifests.find(
    (manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name),
  );
}

/** The one object of the kind. */
export function only(manifests: Manifest[], kind: string, name?: string): Manifest {
  const found = find(manifests, kind, name);
  if (found === undefined) throw new Error(`expected a ${kind}, found none`);
  return found;
}
