import { readFile } from 'node:fs/promises';

const observe = new URL('../../docker/observe/', import.meta.url);

export const readObserved = (file: string) => readFile(new URL(file, observe), 'utf8');

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { type: string; uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string } };
  targets?: { refId: string; expr: string; datasource: { type: string; uid: string } }[];
}

export interface Dashboard {
  uid: string;
  title: string;
  templating: { list: { name: string; type: string; definition?: string; datasource?: Panel['datasource'] }[] };
  panels: Panel[];
}

export const readDashboard = async (): Promise<Dashboard> => JSON.parse(await readObserved('grafana/claims-api.json'));

/** Every expression that is asked of Prometheus, of panels and of variables. */
export function expressionsOf({ panels, templating }: Dashboard): string[] {
  const ofVariables = templating.list.flatMap(({ definition }) => definition ?? []);
  return [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...ofVariables];
}

const words = new Set(['or', 'and', 'unless', 'bool', 'offset']);

/** The metrics that an expression names: what is neither a label, nor a function, nor a word of the language. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replace(/\blabel_values\((\w+), \w+\)/g, '$1')
    .replace(/\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring) \([^)]*\)/g, ' ');
  return (bare.match(/\b[a-z_:][\w:]*\b(?!\s*\()/gi) ?? []).filter((name) => !words.has(name));
}

/** The labels that an expression selects or groups by. */
export function labelsIn(expression: string): string[] {
  const selected = Array.from(expression.matchAll(/(\w+)(?:=~|!~|!=|=)"/g), ([, label]) => String(label));
  const grouped = Array.from(expression.matchAll(/\bby \(([^)]*)\)/g), ([, list]) => String(list).split(', '));
  return [...selected, ...grouped.flat()];
}
