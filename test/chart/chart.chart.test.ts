import { readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { readKeyFiles } from '../../src/auth/key-files.ts';
import { temporaryDirectory } from '../support/files.ts';
import { at, describeWithHelm, find, type Manifest, only, refusal, template, withLeast } from '../support/helm.ts';
import { tryRun } from '../support/run.ts';

const examples = readdirSync('chart/examples').map((file) => `chart/examples/${file}`);
const workloads = ['Deployment', 'StatefulSet', 'Job', 'CronJob', 'Pod'];

/** The pods that these objects make, each with the name of its kind and object. */
function podSpecs(manifests: Manifest[]): [name: string, spec: Record<string, unknown>][] {
  return manifests
    .filter(({ kind }) => workloads.includes(kind))
    .map((manifest) => {
      const { kind, metadata } = manifest;
      const path =
        kind === 'Pod' ? 'spec' : kind === 'CronJob' ? 'spec.jobTemplate.spec.template.spec' : 'spec.template.spec';
      return [`${kind} ${metadata.name}`, at(manifest, path) as Record<string, unknown>];
    });
}

const everything = {
  'import.by': 'cronjob',
  'autoscaling.enabled': true,
  'ingress.enabled': true,
  'httpRoute.enabled': true,
  'httpRoute.parentRefs': '[{"name":"public"}]',
};
const withPostgresql = { 'database.existingSecret': '', 'postgresql.enabled': true };

describeWithHelm('the chart', async () => {
  const directory = await temporaryDirectory();

  it('has the version of package.json, and so has its image', async () => {
    const deployment = only(await template(), 'Deployment');
    expect(deployment.metadata.labels).toMatchObject({
      'helm.sh/chart': `claims-api-${packageJson.version}`,
      'app.kubernetes.io/version': packageJson.version,
    });
    expect(at(deployment, 'spec.template.spec.containers.0.image')).toBe(`claims-api:${packageJson.version}`);
  });

  it('takes a tag, or a digest in its place', async () => {
    const image = async (values: Record<string, string>) =>
      at(only(await template(values), 'Deployment'), 'spec.template.spec.containers.0.image');
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await image({ 'image.repository': 'registry.example/claims', 'image.tag': '1.2.3' })).toBe(
      'registry.example/claims:1.2.3',
    );
    expect(await image({ 'image.tag': '1.2.3', 'image.digest': digest })).toBe(`claims-api@${digest}`);
  });

  it.each(examples)("renders %s into objects that Kubernetes' schemas take", async (file) => {
    const manifests = await template({}, ['-f', file]);
    expect(manifests.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['Deployment', 'Service', 'ServiceAccount']),
    );
    const path = join(directory, `${basename(file)}.yaml`);
    await writeFile(path, manifests.map((manifest) => stringify(manifest)).join('---\n'));
    const { status, stdout, stderr } = await tryRun('kubectl-validate', [path, '--local-crds', 'test/support/crds']);
    expect(status, stdout + stderr).toBe(0);
  });

  describe.each([
    ['with all of its parts', everything],
    ['with the PostgreSQL for trials', withPostgresql],
  ])('%s', (_what, values) => {
    it('runs every pod as restricted Pod Security asks, on a root that it cannot write to', async () => {
      for (const [name, spec] of podSpecs(await template(values))) {
        expect(spec, name).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        });
        expect(at(spec, 'securityContext.runAsUser'), name).toBeGreaterThan(0);
        for (const container of spec.containers as object[]) {
          expect(container, name).toMatchObject({
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          });
        }
      }
    });

    it('gives every container requests, and a limit of its memory', async () => {
      for (const [name, spec] of podSpecs(await template(values))) {
        for (const container of spec.containers as object[]) {
          expect(at(container, 'resources.requests.cpu'), name).toBeTruthy();
          expect(at(container, 'resources.requests.memory'), name).toBeTruthy();
          expect(at(container, 'resources.limits.memory'), name).toBeTruthy();
        }
      }
    });

    it('hides the variables of Services, of which some would be taken for settings', async () => {
      for (const [name, spec] of podSpecs(await template(values))) expect(spec.enableServiceLinks, name).toBe(false);
    });

    it('labels every object', async () => {
      for (const { kind, metadata } of await template(values)) {
        expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
          'app.kubernetes.io/name': 'claims-api',
          'app.kubernetes.io/instance': 'claims-api',
          'app.kubernetes.io/managed-by': 'Helm',
        });
      }
    });
  });

  describe('data', () => {
    const volume = async (values: Record<string, string>) => {
      const spec = 'spec.template.spec.volumes.0';
      return at(only(await template({ ...values }), 'Deployment'), spec);
    };

    it.each<[string, Record<string, string>, object]>([
      [
        'an existing claim',
        { 'data.existingClaim.name': 'files' },
        { persistentVolumeClaim: { claimName: 'files', readOnly: true } },
      ],
      [
        'a new claim',
        { 'data.newClaim.size': '5Gi' },
        { persistentVolumeClaim: { claimName: 'claims-api-data', readOnly: true } },
      ],
      ['a directory of the node', { 'data.hostPath.path': '/srv' }, { hostPath: { path: '/srv', type: 'Directory' } }],
      [
        'NFS',
        { 'data.nfs': '{"server":"nfs.example","path":"/claims"}' },
        { nfs: { server: 'nfs.example', path: '/claims', readOnly: true } },
      ],
      ['a ConfigMap', { 'data.configMap.name': 'samples' }, { configMap: { name: 'samples' } }],
      [
        'an image',
        { 'data.image.reference': 'claims:1' },
        { image: { reference: 'claims:1', pullPolicy: 'IfNotPresent' } },
      ],
    ])('is mounted from %s', async (_source, values, expected) => {
      expect(await volume(values)).toEqual({ name: 'data', ...expected });
    });

    it('may be none', async () => {
      expect(at(only(await template(), 'Deployment'), 'spec.template.spec.volumes.0')).toEqual({
        name: 'data',
        emptyDir: {},
      });
    });

    it('is mounted read-only where the service looks', async () => {
      expect(at(only(await template(), 'Deployment'), 'spec.template.spec.containers.0.volumeMounts')).toContainEqual({
        name: 'data',
        mountPath: '/opt/claims-api',
        readOnly: true,
      });
    });

    it('is a claim of the asked class and size, which an uninstall leaves', async () => {
      const values = {
        'data.newClaim': '{"size":"5Gi","className":"fast","accessMode":"ReadWriteMany"}',
      };
      const claim = only(await template(values), 'PersistentVolumeClaim');
      expect(claim).toMatchObject({
        metadata: { annotations: { 'helm.sh/resource-policy': 'keep' } },
        spec: { accessModes: ['ReadWriteMany'], storageClassName: 'fast', resources: { requests: { storage: '5Gi' } } },
      });
    });

    it.each([
      ['no source', {}],
      ['two sources', { 'data.empty': '{}', 'data.hostPath.path': '/srv' }],
      ['a source of no known kind', { 'data.bucket': 'claims' }],
      ['a source with something that it does not have', { 'data.configMap': '{"name":"samples","key":"x"}' }],
      ['a claim without a size', { 'data.newClaim.className': 'fast' }],
    ])('is refused with %s', async (_what, values) => {
      const said = await refusal({ 'database.existingSecret': 'database', ...values });
      expect(said).toContain("values don't meet the specifications of the schema");
      expect(said).toContain('/data');
    });
  });

  describe('keys', () => {
    it('come from a Secret of the operator, as a directory that follows it', async () => {
      const manifests = await template({ 'keys.existingSecret': 'my-keys' });
      const deployment = only(manifests, 'Deployment');
      expect(at(deployment, 'spec.template.spec.volumes')).toContainEqual({
        name: 'keys',
        secret: { secretName: 'my-keys', defaultMode: 0o440 },
      });
      const mounts = at(deployment, 'spec.template.spec.containers.0.volumeMounts') as object[];
      expect(mounts).toContainEqual({ name: 'keys', mountPath: '/var/secrets/claims-api', readOnly: true });
      expect(mounts.filter((mount) => 'subPath' in mount)).toEqual([]);
      expect(find(manifests, 'Secret')).toBeUndefined();
    });

    it('are made once, as a pair that the service takes and no later release touches', async () => {
      const secret = only(await template(), 'Secret', 'claims-api-made-keys');
      expect(secret.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
      for (const [name, text] of Object.entries(at(secret, 'data') as Record<string, string>)) {
        await writeFile(join(directory, name), Buffer.from(text, 'base64'));
        await chmod(join(directory, name), 0o440);
      }
      const { verification } = await readKeyFiles(directory);
      expect(verification.map(({ file }) => file)).toEqual(['jwt_key.pub.pem']);
    });

    it('come from files, with the public keys of earlier pairs', async () => {
      const file = async (name: string, label: string) => {
        const path = join(directory, name);
        await writeFile(path, `-----BEGIN ${label}-----\n${name}\n-----END ${label}-----\n`);
        return path;
      };
      const secret = only(
        await template({}, [
          ...['--set-file', `keys.private=${await file('new', 'PRIVATE KEY')}`],
          ...['--set-file', `keys.public=${await file('new.pub', 'PUBLIC KEY')}`],
          ...['--set-file', `keys.older.2025=${await file('old.pub', 'PUBLIC KEY')}`],
        ]),
        'Secret',
      );
      const data = at(secret, 'data') as Record<string, string>;
      expect(Object.keys(data)).toEqual(['jwt_key', 'jwt_key.pub.pem', '2025.pub.pem']);
      expect(Buffer.from(data['2025.pub.pem'] as string, 'base64').toString()).toContain('old.pub');
    });

    it.each([
      ['older ones alone', { 'keys.older.2025': '-----BEGIN PUBLIC KEY-----' }, 'without the pair itself'],
      ['one file of a pair', { 'keys.private': '-----BEGIN PRIVATE KEY-----' }, 'two files of one pair'],
      ['a public key in place of the private one', { 'keys.private': '-----BEGIN PUBLIC KEY-----' }, '/keys/private'],
      [
        'a Secret and files',
        {
          'keys.existingSecret': 'a',
          'keys.private': '-----BEGIN PRIVATE KEY-----',
          'keys.public': '-----BEGIN PUBLIC KEY-----',
        },
        'both set',
      ],
    ])('are refused as %s', async (_what, values, expected) => {
      expect(await refusal(withLeast(values))).toContain(expected);
    });
  });

  describe('the database', () => {
    it('is required, and the refusal says how to make its Secret', async () => {
      const said = await refusal({ 'data.empty': '{}' });
      expect(said).toContain('kubectl create secret generic claims-api-database --namespace uat');
      expect(said).toContain('--from-literal=DATABASE_URL=');
    });

    it('is named by its Secret alone: no URL stands in an object', async () => {
      const manifests = await template({ ...everything, 'database.existingSecret': 'database', 'database.key': 'url' });
      expect(JSON.stringify(manifests)).not.toContain('postgres://');
      for (const [name, spec] of podSpecs(manifests)) {
        expect(at(spec, 'containers.0.env'), name).toContainEqual({
          name: 'DATABASE_URL',
          valueFrom: { secretKeyRef: { name: 'database', key: 'url' } },
        });
      }
    });

    it('for trials is off unless it is asked for, and then says what it is not for', async () => {
      expect(find(await template(), 'StatefulSet')).toBeUndefined();
      const manifests = await template(withPostgresql);
      expect(at(only(manifests, 'StatefulSet'), 'spec.template.spec.containers.0.image')).toBe('postgres:18-trixie');
      const secret = at(only(manifests, 'Secret', 'claims-api-postgresql'), 'data.DATABASE_URL') as string;
      expect(Buffer.from(secret, 'base64').toString()).toMatch(
        /^postgres:\/\/claims:[A-Za-z0-9]{32}@claims-api-postgresql:5432\/claims$/,
      );
    });

    it('cannot be both', async () => {
      expect(await refusal(withLeast({ 'postgresql.enabled': true, 'database.existingSecret': 'database' }))).toContain(
        'expected one database',
      );
    });
  });

  describe('a roll', () => {
    it('takes no pod away before another is ready', async () => {
      expect(at(only(await template(), 'Deployment'), 'spec.strategy')).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
      });
    });

    it('gives a pod time to be forgotten by clients, and then for what is under way', async () => {
      const spec = (values: Record<string, number>) =>
        template(values).then((manifests) => at(only(manifests, 'Deployment'), 'spec.template.spec'));
      expect(await spec({})).toMatchObject({
        terminationGracePeriodSeconds: 5 + 8 + 5,
        containers: [{ lifecycle: { preStop: { sleep: { seconds: 5 } } } }],
      });
      expect(await spec({ preStopSeconds: 20, 'settings.CLAIMS_API_DRAIN_SECONDS': 60 })).toMatchObject({
        terminationGracePeriodSeconds: 85,
        containers: [{ lifecycle: { preStop: { sleep: { seconds: 20 } } } }],
      });
    });

    it('is preceded by a migration with a deadline, which may be tried again', async () => {
      const job = only(await template(), 'Job');
      expect(job).toMatchObject({
        metadata: { annotations: { 'helm.sh/hook': 'pre-upgrade' } },
        spec: { activeDeadlineSeconds: 600, backoffLimit: 3 },
      });
      expect(at(job, 'spec.template.spec.containers.0.args')).toEqual(['migrate']);
      expect(find(await template({ 'migration.enabled': false }), 'Job')).toBeUndefined();
    });
  });

  it('asks live of startup and liveness, and ready of readiness alone', async () => {
    const container = at(only(await template(), 'Deployment'), 'spec.template.spec.containers.0');
    const path = (probe: string) => at(container, `${probe}.httpGet.path`);
    expect([path('startupProbe'), path('livenessProbe'), path('readinessProbe')]).toEqual([
      '/health/live',
      '/health/live',
      '/health/ready',
    ]);
  });

  it('waits at the start for longer than the service does for its database', async () => {
    const probe = async (values: Record<string, number>) =>
      at(only(await template(values), 'Deployment'), 'spec.template.spec.containers.0.startupProbe');
    expect(await probe({})).toMatchObject({ periodSeconds: 1, failureThreshold: 120 });
    expect(await probe({ 'settings.CLAIMS_API_DATABASE_WAIT_SECONDS': 300 })).toMatchObject({ failureThreshold: 360 });
  });

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

  it('writes large numbers as settings without an exponent', async () => {
    const manifests = await template({ 'settings.CLAIMS_API_UPLOAD_LIMIT_BYTES': 10737418240 });
    expect(at(only(manifests, 'Deployment'), 'spec.template.spec.containers.0.env')).toContainEqual({
      name: 'CLAIMS_API_UPLOAD_LIMIT_BYTES',
      value: '10737418240',
    });
  });

  it('spreads pods over zones and nodes, unless it is told how', async () => {
    const path = 'spec.template.spec.topologySpreadConstraints';
    const keys = at(only(await template(), 'Deployment'), path) as { topologyKey: string }[];
    expect(keys.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    const own = [{ topologyKey: 'rack', maxSkew: 2, whenUnsatisfiable: 'DoNotSchedule' }];
    const values = { topologySpreadConstraints: JSON.stringify(own) };
    expect(at(only(await template(values), 'Deployment'), path)).toEqual(own);
  });

  it('keeps a disruption budget, but for a single pod', async () => {
    expect(at(only(await template(), 'PodDisruptionBudget'), 'spec')).toMatchObject({ maxUnavailable: 1 });
    expect(find(await template({ replicas: 1 }), 'PodDisruptionBudget')).toBeUndefined();
    const scaled = await template({ replicas: 1, 'autoscaling.enabled': true });
    expect(find(scaled, 'PodDisruptionBudget')).toBeDefined();
  });

  it('leaves the number of pods to the autoscaler where there is one', async () => {
    const manifests = await template({ 'autoscaling.enabled': true, 'autoscaling.maxReplicas': 20 });
    expect(at(only(manifests, 'Deployment'), 'spec.replicas')).toBeUndefined();
    expect(at(only(manifests, 'HorizontalPodAutoscaler'), 'spec')).toMatchObject({
      scaleTargetRef: { kind: 'Deployment', name: 'claims-api' },
      minReplicas: 2,
      maxReplicas: 20,
    });
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

  it('imports by a job where it is told to, which alone has the files', async () => {
    const manifests = await template({
      'import.by': 'cronjob',
      'data.configMap.name': 'samples',
    });
    const job = only(manifests, 'CronJob');
    expect(at(job, 'spec')).toMatchObject({ schedule: '*/15 * * * *', concurrencyPolicy: 'Forbid' });
    const pod = at(job, 'spec.jobTemplate.spec.template.spec');
    expect(at(pod, 'containers.0.args')).toEqual(['import']);
    expect(at(pod, 'volumes.0')).toEqual({ name: 'data', configMap: { name: 'samples' } });
    expect(at(only(manifests, 'Deployment'), 'spec.template.spec.volumes.0')).toEqual({ name: 'data', emptyDir: {} });
  });

  it('is tested by a pod that logs in through the Service', async () => {
    const pod = only(await template(), 'Pod');
    expect(pod.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' });
    expect(at(pod, 'spec.containers.0.env')).toContainEqual({ name: 'TEST_URL', value: 'http://claims-api:9950' });
  });

  it.each<[string, Record<string, string | number>]>([
    ['/', { replica: 3 }],
    ['/replicas', { replicas: -1 }],
    ['/image', { 'image.name': 'x' }],
    ['/image/digest', { 'image.digest': 'sha256:1' }],
    ['/settings', { 'settings.CLAIMS_API_LOGLEVEL': 'info' }],
    ['/settings', { 'settings.DATABASE_URL': 'postgres://x' }],
    ['/settings/CLAIMS_API_LOG_LEVEL', { 'settings.CLAIMS_API_LOG_LEVEL': 'verbose' }],
    ['/settings/CLAIMS_API_PORT', { 'settings.CLAIMS_API_PORT': 70000 }],
    ['/resources/limits', { 'resources.limits.mem': '1Gi' }],
    ['/service/type', { 'service.type': 'ExternalName' }],
    ['/autoscaling', { 'autoscaling.cpu': 50 }],
    ['/import/by', { 'import.by': 'hand' }],
    ['/postgresql/storage', { 'postgresql.storage.class': 'x' }],
    ['/networkPolicy/from/0', { 'networkPolicy.from': '[{"pods":{}}]' }],
    ['/tolerations/0', { tolerations: '[{"kye":"a"}]' }],
    ['/test', { 'test.secret': 'x' }],
  ])('refuses at %s what it does not know', async (path, values) => {
    const said = await refusal(withLeast(values));
    expect(said).toContain("values don't meet the specifications of the schema");
    if (path !== '/') expect(said).toContain(`'${path}'`);
  });

  it('keeps names within what Kubernetes takes, however long the release is', async () => {
    const long = 'a-release-of-a-name-that-is-fifty-three-characters-ab';
    const manifests = await template({ ...everything, fullnameOverride: '', nameOverride: `${long.slice(0, 38)}x` });
    for (const { kind, metadata } of manifests) expect(metadata.name.length, kind).toBeLessThanOrEqual(52);
  });
});
