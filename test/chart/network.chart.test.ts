import { describe, expect, it } from 'vitest';
import {
  at,
  describeWithHelm,
  everything,
  find,
  only,
  refusal,
  template,
  withLeast,
  workloads,
} from '../support/helm.ts';

describeWithHelm('the chart', () => {
  it('listens where the settings say, and the Service and the probes find it', async () => {
    const manifests = await template({ 'settings.CLAIMS_API_PORT': 8080, 'service.port': 80 });
    const container = at(only(manifests, 'Deployment'), 'spec.template.spec.containers.0');
    expect(at(container, 'env')).toContainEqual({ name: 'CLAIMS_API_PORT', value: '8080' });
    expect(at(container, 'ports.0')).toEqual({ name: 'http', containerPort: 8080 });
    expect(at(only(manifests, 'Service', 'claims-api'), 'spec.ports.0')).toMatchObject({
      port: 80,
      targetPort: 'http',
    });
    expect(at(only(await template(), 'Deployment'), 'spec.template.spec.containers.0.ports.0.containerPort')).toBe(
      9950,
    );
  });

  describe('its network policy', () => {
    it('lets in the port alone, and out DNS and the database alone', async () => {
      const spec = at(only(await template(), 'NetworkPolicy', 'claims-api'), 'spec');
      expect(spec).toMatchObject({
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ ports: [{ port: 'http' }] }],
        egress: [
          {
            ports: [
              { port: 53, protocol: 'UDP' },
              { port: 53, protocol: 'TCP' },
            ],
          },
          { ports: [{ port: 5432 }] },
        ],
      });
    });

    it('holds for every pod of the program, and lets its test call the API', async () => {
      const manifests = await template(everything);
      const components = at(
        only(manifests, 'NetworkPolicy', 'claims-api'),
        'spec.podSelector.matchExpressions.0.values',
      );
      const ofTest = at(only(manifests, 'NetworkPolicy', 'claims-api-test'), 'spec');
      expect(at(ofTest, 'podSelector.matchLabels')).toMatchObject({ 'app.kubernetes.io/component': 'test' });
      expect(at(ofTest, 'egress.2')).toMatchObject({
        ports: [{ port: 'http' }],
        to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/component': 'api' } } }],
      });
      const pods = manifests.filter(({ kind }) => workloads.includes(kind));
      const labels = pods.map(({ metadata }) => metadata.labels['app.kubernetes.io/component']);
      expect(labels.toSorted()).toEqual([...(components as string[]), 'test'].toSorted());
    });

    it('names who may come and where the database is, where that is said', async () => {
      const spec = at(
        only(
          await template({
            'networkPolicy.from': '[{"namespaceSelector":{"matchLabels":{"name":"gateways"}}}]',
            'networkPolicy.databaseTo': '[{"ipBlock":{"cidr":"10.1.0.0/16"}}]',
            'networkPolicy.databasePort': 6432,
          }),
          'NetworkPolicy',
          'claims-api',
        ),
        'spec',
      );
      expect(at(spec, 'ingress.0.from.1')).toEqual({ namespaceSelector: { matchLabels: { name: 'gateways' } } });
      expect(at(spec, 'egress.1')).toEqual({ ports: [{ port: 6432 }], to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] });
    });

    it('can be left out', async () => {
      expect(find(await template({ 'networkPolicy.enabled': false }), 'NetworkPolicy')).toBeUndefined();
    });
  });

  describe('is published', () => {
    it('by nothing unless it is asked for', async () => {
      const kinds = (await template()).map(({ kind }) => kind);
      expect(kinds).not.toContain('Ingress');
      expect(kinds).not.toContain('HTTPRoute');
      expect(at(only(await template(), 'Service'), 'spec.type')).toBe('ClusterIP');
    });

    it('by an Ingress, with TLS', async () => {
      const ingress = only(
        await template({
          'ingress.enabled': true,
          'ingress.className': 'nginx',
          'ingress.host': 'claims.example.com',
          'ingress.tlsSecret': 'claims-tls',
          'ingress.annotations': '{"cert-manager.io/cluster-issuer":"internal"}',
        }),
        'Ingress',
      );
      expect(ingress).toMatchObject({
        metadata: { annotations: { 'cert-manager.io/cluster-issuer': 'internal' } },
        spec: {
          ingressClassName: 'nginx',
          tls: [{ secretName: 'claims-tls', hosts: ['claims.example.com'] }],
          rules: [
            {
              host: 'claims.example.com',
              http: {
                paths: [
                  {
                    path: '/',
                    pathType: 'Prefix',
                    backend: { service: { name: 'claims-api', port: { name: 'http' } } },
                  },
                ],
              },
            },
          ],
        },
      });
    });

    it('by an HTTPRoute of a Gateway that is named', async () => {
      const values = {
        'httpRoute.enabled': true,
        'httpRoute.parentRefs': '[{"name":"public","namespace":"gateways"}]',
        'httpRoute.hostnames': '["claims.example.com"]',
      };
      expect(at(only(await template(values), 'HTTPRoute'), 'spec')).toMatchObject({
        parentRefs: [{ name: 'public', namespace: 'gateways' }],
        hostnames: ['claims.example.com'],
        rules: [{ backendRefs: [{ name: 'claims-api', port: 9950 }] }],
      });
      expect(await refusal(withLeast({ 'httpRoute.enabled': true }))).toContain('httpRoute.parentRefs is empty');
    });
  });

  describe('its metrics', () => {
    const prometheus = '[{"namespaceSelector":{"matchLabels":{"name":"monitoring"}}}]';

    it('are on a port and a Service of their own, which the published one is not', async () => {
      const manifests = await template();
      expect(at(only(manifests, 'Deployment'), 'spec.template.spec.containers.0.ports.1')).toEqual({
        name: 'metrics',
        containerPort: 9951,
      });
      expect(at(only(manifests, 'Service', 'claims-api-metrics'), 'spec.ports.0.port')).toBe(9951);
      expect(at(only(manifests, 'Service', 'claims-api'), 'spec.ports')).toHaveLength(1);
      const none = await template({ 'settings.CLAIMS_API_OPS_PORT': 'null' });
      expect(find(none, 'Service', 'claims-api-metrics')).toBeUndefined();
    });

    it('are read by nobody unless it is said by whom', async () => {
      expect(at(only(await template(), 'NetworkPolicy', 'claims-api'), 'spec.ingress')).toHaveLength(1);
      expect(
        at(
          only(await template({ 'networkPolicy.metricsFrom': prometheus }), 'NetworkPolicy', 'claims-api'),
          'spec.ingress.1',
        ),
      ).toEqual({
        ports: [{ port: 'metrics' }],
        from: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
      });
    });

    it('are found by the Prometheus operator where that is asked for', async () => {
      expect(find(await template(), 'ServiceMonitor')).toBeUndefined();
      const manifests = await template({
        'serviceMonitor.enabled': true,
        'serviceMonitor.labels.release': 'prometheus',
      });
      const monitor = only(manifests, 'ServiceMonitor');
      expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus' });
      const { labels } = only(manifests, 'Service', 'claims-api-metrics').metadata;
      expect(labels).toMatchObject(at(monitor, 'spec.selector.matchLabels') as object);
      expect(at(monitor, 'spec.endpoints.0')).toEqual({ port: 'metrics', path: '/metrics', interval: '30s' });
      const values = withLeast({ 'serviceMonitor.enabled': true, 'settings.CLAIMS_API_OPS_PORT': 'null' });
      expect(await refusal(values)).toContain('settings.CLAIMS_API_OPS_PORT');
    });
  });
});
