import { describe, expect, it } from 'vitest';
import { at, describeWithHelm, find, only, podSpecs, template, variants } from '../support/helm.ts';

describeWithHelm('the chart', () => {
  describe.each(variants)('%s', (_what, values) => {
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
});
