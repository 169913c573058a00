import { expect, it } from 'vitest';
import { importClaims, testApp } from '../support/app.ts';
import { aClaim } from '../support/claims.ts';
import { expressionsOf, labelsIn, metricsIn, readDashboard } from '../support/dashboard.ts';
import { labelsOf, namesOf } from '../support/metrics.ts';

const expressions = expressionsOf(await readDashboard());
const { metrics, get, url } = await testApp();
await importClaims(url, [aClaim()]);
await get('/api/claims');
const text = await metrics.registry.metrics();

it('the dashboard asks for metrics that there are', () => {
  const names = namesOf(text);
  const asked = new Set(expressions.flatMap(metricsIn));
  expect(asked.size).toBeGreaterThan(15);
  expect([...asked].filter((name) => !names.has(name))).toEqual([]);
});

it('the dashboard asks for labels that there are', () => {
  // Prometheus itself says which instance it asked; what garbage collections are labelled by shows after the first one.
  const labels = new Set([...labelsOf(text), 'instance', 'kind']);
  expect(new Set(expressions.flatMap(labelsIn).filter((label) => !labels.has(label)))).toEqual(new Set());
});

it('the dashboard shows every metric of the service itself', () => {
  const own = [...namesOf(text)].filter((name) => name.startsWith('claims_api_'));
  const asked = new Set(expressions.flatMap(metricsIn));
  expect(own.filter((name) => !asked.has(name))).toEqual([]);
});
