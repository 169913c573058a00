import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { temporaryDirectory } from '../support/files.ts';
import { at, describeWithHelm, everything, only, refusal, template, variants, withLeast } from '../support/helm.ts';
import { tryRun } from '../support/run.ts';

const examples = readdirSync('chart/examples').map((file) => `chart/examples/${file}`);

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

  describe.each(variants)('%s', (_what, values) => {
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

  it('writes large numbers as settings without an exponent', async () => {
    const manifests = await template({ 'settings.CLAIMS_API_UPLOAD_LIMIT_BYTES': 10737418240 });
    expect(at(only(manifests, 'Deployment'), 'spec.template.spec.containers.0.env')).toContainEqual({
      name: 'CLAIMS_API_UPLOAD_LIMIT_BYTES',
      value: '10737418240',
    });
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
