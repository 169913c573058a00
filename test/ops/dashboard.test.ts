import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { labelsIn, metricsIn, type Panel, readDashboard, readObserved } from '../support/dashboard.ts';

const dashboard = await readDashboard();
const charts = dashboard.panels.filter(({ type }) => type !== 'row');
const datasource = { type: 'prometheus', uid: `\${datasource}` };

describe('the dashboard', () => {
  it('has panels with a number of their own', () => {
    expect(charts.length).toBeGreaterThan(15);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it.each(charts.map((panel) => [panel.title, panel] as const))(
    'says what it shows, of what and in what unit: %s',
    (title, panel) => {
      expect(title).toMatch(/\w/);
      expect(panel.description).toMatch(/\.$/);
      expect(panel.datasource).toEqual(datasource);
      expect(panel.fieldConfig?.defaults.unit).toMatch(/\w/);
      expect(panel.targets).not.toHaveLength(0);
      for (const target of panel.targets ?? []) {
        expect(target.datasource).toEqual(datasource);
        expect(metricsIn(target.expr)).not.toHaveLength(0);
      }
      const refs = panel.targets?.map(({ refId }) => refId) ?? [];
      expect(new Set(refs).size).toBe(refs.length);
    },
  );

  it('puts no panel over another, nor over the edge', () => {
    const overlaps = ({ gridPos: a }: Panel, { gridPos: b }: Panel) =>
      a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    const { panels } = dashboard;
    expect(panels.filter(({ gridPos: { x, w } }) => x < 0 || x + w > 24)).toEqual([]);
    expect(panels.filter((one, at) => panels.slice(at + 1).some((other) => overlaps(one, other)))).toEqual([]);
  });

  it('uses variables that it declares, or that Grafana sets', () => {
    const declared = dashboard.templating.list.map(({ name }) => name);
    const used = Array.from(JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g), ([, name]) => String(name));
    expect(used.filter((name) => !declared.includes(name) && !['__rate_interval', '__all'].includes(name))).toEqual([]);
    expect(declared).toEqual(['datasource', 'instance']);
    expect(dashboard.templating.list[1]?.datasource).toEqual(datasource);
  });

  it('knows metrics and labels from the rest of an expression', () => {
    const expression =
      'histogram_quantile(0.9, sum by (le, route) (rate(a_bucket{status!~"5.."}[1m]))) / (b > 0) or vector(0)';
    expect(metricsIn(expression)).toEqual(['a_bucket', 'b']);
    expect(labelsIn(expression)).toEqual(['status', 'le', 'route']);
  });
});

it('Grafana finds the dashboard and the one Prometheus where compose puts them', async () => {
  const { services } = parse(await readObserved('../../compose.yaml'));
  const mounts = new Map<string, string>(
    services.grafana.volumes.map((volume: string) => volume.split(':').slice(0, 2).toReversed()),
  );
  const { path } = parse(await readObserved('grafana/dashboards.yaml')).providers[0].options;
  expect(mounts.get(`${path}/claims-api.json`)).toBe('./docker/observe/grafana/claims-api.json');
  expect(services.grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(`${path}/claims-api.json`);
  const { datasources } = parse(await readObserved('grafana/datasource.yaml'));
  expect(datasources).toMatchObject([{ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true }]);
});

it('Prometheus asks the service where compose has it listen, no sooner than it has answered', async () => {
  const { services } = parse(await readObserved('../../compose.yaml'));
  const { global, scrape_configs } = parse(await readObserved('prometheus.yml'));
  const { targets } = scrape_configs[0].static_configs[0];
  expect(targets).toEqual([`api:${services.api.environment.CLAIMS_API_OPS_PORT}`]);
  expect(Number.parseInt(global.scrape_timeout, 10)).toBeLessThan(Number.parseInt(global.scrape_interval, 10));
});
