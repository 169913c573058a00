import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { isReady, Namespace, type Pod, restarts, until } from '../support/cluster.ts';
import { docker } from '../support/docker.ts';
import { buildImage } from '../support/image.ts';
import { run, tryRun } from '../support/run.ts';

/**
 * The chart on a real cluster: `npm run test:cluster`. KUBECONFIG names the cluster, LOAD_IMAGES a command that gives its
 * nodes images of the Docker engine, such as `kind load docker-image`. Every test goes on from where the one before it ended.
 */
const loadImages = process.env.LOAD_IMAGES?.split(' ') ?? [];
const next = `${packageJson.version}-next`;
const images = [`claims-api:${packageJson.version}`, `claims-api:${next}`];
const database = 'database-claims-api-postgresql';
const password = randomBytes(24).toString('base64url');
const crds = {
  'httproutes.gateway.networking.k8s.io': 'test/support/crds/httproutes.yaml',
  'servicemonitors.monitoring.coreos.com': 'test/support/crds/servicemonitors.yaml',
};
const namespace = new Namespace();
const madeKeys = 'claims-api-made-keys';

const uat = (...args: string[]) =>
  namespace.upgrade(
    'claims-api',
    ...['-f', 'chart/examples/uat.yaml', '--set', `database.existingSecret=${database}`, ...args],
  );

/** Of the PostgreSQL image that lies here. */
let userId = '';
const minimal = (release: string, ...args: string[]) =>
  namespace.upgrade(release, ...['-f', 'chart/examples/minimal.yaml', '--set', `postgresql.userId=${userId}`, ...args]);

/** What the client in the cluster has seen since it was last asked. */
let seen = { requests: 0, failures: 0 };
async function sinceThen() {
  const lines = (await namespace.kubectl('logs', 'client', '--tail=1')).split('\n');
  const now = JSON.parse(lines.at(-1) as string) as { requests: number; failures: number; last: string };
  const since = { requests: now.requests - seen.requests, failures: now.failures - seen.failures, last: now.last };
  seen = now;
  return since;
}

async function expectNoFailure() {
  await sleep(1000);
  const { requests, failures, last } = await sinceThen();
  expect(failures, last).toBe(0);
  expect(requests).toBeGreaterThan(20);
}

const uids = (pods: Pod[]) => pods.map(({ metadata }) => metadata.uid).sort();
const readyPods = (count: number, image?: string) =>
  until(
    `${count} ready pods`,
    120,
    () => namespace.pods('api'),
    (pods) =>
      pods.length === count && pods.every((pod) => isReady(pod) && (!image || pod.spec.containers[0]?.image === image)),
  );

const jwks = `const { keys } = await (await fetch('http://127.0.0.1:9950/.well-known/jwks.json')).json(); console.log(keys.map(({ kid }) => kid).join());`;
const kidsOfPods = async () =>
  Promise.all((await namespace.pods('api')).map(({ metadata }) => namespace.node(metadata.name, jwks)));

function newPair() {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n, e } = pair.publicKey.export({ format: 'jwk' });
  return {
    private: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    public: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    kid: createHash('sha256')
      .update(JSON.stringify({ e, kty: 'RSA', n }))
      .digest('base64url'),
  };
}

beforeAll(async () => {
  if (loadImages.length === 0) {
    throw new Error(
      'LOAD_IMAGES is not set: expected a command that gives images to the cluster, such as `kind load docker-image`',
    );
  }
  const built = await buildImage();
  // With a label of the run: a kubelet that has pulled the very image from a registry wants to pull it again by any other
  // name, and here it is given the image.
  for (const image of images) {
    await run(
      'docker',
      ['build', '--quiet', '--tag', image, '--label', `run=${namespace.name}`, '-'],
      `FROM ${built}\n`,
    );
  }
  const [program, ...args] = loadImages as [string, ...string[]];
  await run(program, [...args, ...images, 'postgres:18-trixie']);
  // Stand-ins, where the real ones are not installed.
  for (const [crd, file] of Object.entries(crds)) {
    const { status } = await tryRun('kubectl', ['get', 'crd', crd]);
    if (status !== 0) await run('kubectl', ['apply', '-f', file]);
  }
  await namespace.create();
  await namespace.kubectl('create', 'configmap', 'claims-samples', '--from-file=docker/data');
  userId = await docker('run', '--rm', '--entrypoint', 'id', 'postgres:18-trixie', '-u', 'postgres');
  // The chart's own PostgreSQL for trials, as the database of the others.
  await minimal('database', '--set', 'replicas=0', '--set', 'networkPolicy.enabled=false');
});

afterAll(() => namespace.delete());

describe('on a cluster, the chart', () => {
  it('says how to make the Secret of the database where none is named', async () => {
    const { status, stderr } = await namespace.tryHelm('install', 'claims-api', 'chart', '--set-json', 'data.empty={}');
    expect(status).toBe(1);
    expect(stderr).toContain(`kubectl create secret generic claims-api-database --namespace ${namespace.name}`);
  });

  it('comes up under restricted Pod Security with ready pods', async () => {
    await uat();
    const pods = await readyPods(2, images[0]);
    expect(restarts(pods)).toBe(0);
  });

  it('changes nothing when it is installed again', async () => {
    const before = await namespace.pods('api');
    const manifest = await namespace.helm('get', 'manifest', 'claims-api');
    await uat();
    expect(await namespace.helm('get', 'manifest', 'claims-api')).toBe(manifest);
    expect(uids(await namespace.pods('api'))).toEqual(uids(before));
  });

  it('passes its own test, which leaves no user that could log in', async () => {
    expect(await namespace.helm('test', 'claims-api', '--timeout', '2m')).toMatch(/Phase: +Succeeded/);
    const list = await namespace.kubectl(
      'exec',
      'deployment/claims-api',
      '--',
      '/usr/local/bin/node',
      'main.js',
      'user',
      'list',
    );
    expect(list).toMatch(/^helm-test-\w+ +disabled/m);
  });

  it('serves a client inside the cluster', async () => {
    const [pod] = await namespace.pods('api');
    await namespace.node(
      pod?.metadata.name as string,
      `import { execFileSync } from 'node:child_process';
       execFileSync(process.execPath, ['/claims-api/main.js', 'user', 'add', 'client'], { env: { ...process.env, CLAIMS_API_PASSWORD: '${password}' } });`,
    );
    await namespace.secret('client', { password });
    const client = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'client' },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 0,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'client',
            image: images[0],
            command: ['/usr/local/bin/node', '--input-type=module', '--eval'],
            args: [readFileSync('test/cluster/client.mjs', 'utf8')],
            env: [
              { name: 'URL_OF_SERVICE', value: 'http://claims-api:9950' },
              { name: 'USERNAME', value: 'client' },
              { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'client', key: 'password' } } },
            ],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    };
    await run('kubectl', ['--namespace', namespace.name, 'apply', '-f', '-'], JSON.stringify(client));
    await namespace.kubectl('wait', 'pod/client', '--for=condition=Ready', '--timeout=60s');
    await sleep(3000);
    await expectNoFailure();
  });

  it('follows a rotation of its keys without a restart, and refuses nobody meanwhile', async () => {
    const pods = await namespace.pods('api');
    const { data } = await namespace.get<{ data: Record<string, string> }>('secret', madeKeys);
    const old = Object.fromEntries(
      Object.entries(data).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]),
    ) as Record<'jwt_key' | 'jwt_key.pub.pem', string>;
    const [oldKid] = await kidsOfPods();
    const pair = newPair();
    await namespace.secret(madeKeys, { ...old, 'next.pub.pem': pair.public });
    await until('pods that know the next key', 180, kidsOfPods, (kids) =>
      kids.every((list) => list === `${oldKid},${pair.kid}`),
    );
    await namespace.secret(madeKeys, {
      jwt_key: pair.private,
      'jwt_key.pub.pem': pair.public,
      'old.pub.pem': old['jwt_key.pub.pem'],
    });
    await until('pods that sign with it', 180, kidsOfPods, (kids) =>
      kids.every((list) => list === `${pair.kid},${oldKid}`),
    );
    await sleep(3000);
    await expectNoFailure();
    const after = await namespace.pods('api');
    expect(uids(after)).toEqual(uids(pods));
    expect(restarts(after)).toBe(0);
  });

  it('rolls to another image without a failed request, and keeps the keys as they are', async () => {
    await uat('--set', `image.tag=${next}`);
    await readyPods(2, images[1]);
    await expectNoFailure();
    expect((await kidsOfPods())[0]?.split(',')).toHaveLength(2);
  });

  it('stops at a migration that fails, while the pods there are go on, and goes on once it is mended', async () => {
    const before = await namespace.pods('api');
    await namespace.secret('nowhere', { DATABASE_URL: 'postgres://claims:x@nowhere.invalid:5432/claims' });
    const { status, stderr } = await namespace.tryHelm(
      ...['upgrade', '--install', 'claims-api', 'chart', '-f', 'chart/examples/uat.yaml', '--wait', '--timeout', '2m'],
      ...['--set', 'database.existingSecret=nowhere', '--set', 'migration.deadlineSeconds=15'],
    );
    expect(status).toBe(1);
    expect(stderr).toContain('pre-upgrade');
    expect(uids(await namespace.pods('api'))).toEqual(uids(before));
    await uat('--set', `image.tag=${next}`);
    await expectNoFailure();
  });

  it('goes back to an earlier release without a failed request, and not to earlier keys', async () => {
    const kids = await kidsOfPods();
    await namespace.helm('rollback', 'claims-api', '1', '--wait', '--timeout', '4m');
    await readyPods(2, images[0]);
    await expectNoFailure();
    expect(await kidsOfPods()).toEqual(kids);
  });

  it('is not ready while its database is away, is not ended for it, and recovers', async () => {
    const before = await namespace.pods('api');
    const point = (selector: object) =>
      namespace.kubectl('patch', 'service', database, '--type=merge', '-p', JSON.stringify({ spec: { selector } }));
    const { spec } = await namespace.get<{ spec: { selector: object } }>('service', database);
    await point({ 'app.kubernetes.io/component': 'nobody' });
    await namespace.kubectl(
      ...['exec', `${database}-0`, '--', 'psql', '-U', 'claims', '-d', 'claims', '-c'],
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = $$client backend$$',
    );
    await until(
      'pods that are not ready',
      90,
      () => namespace.pods('api'),
      (pods) => !pods.some(isReady),
    );
    // Longer than liveness would bear.
    await sleep(45_000);
    const meanwhile = await namespace.pods('api');
    expect(uids(meanwhile)).toEqual(uids(before));
    expect(restarts(meanwhile)).toBe(0);
    await point(spec.selector);
    await readyPods(2);
    // What the client asked before that, it gives up by now.
    await sleep(11_000);
    await sinceThen();
    await sleep(5000);
    await expectNoFailure();
    expect(restarts(await namespace.pods('api'))).toBe(0);
  });

  it('leaves nothing but the keys when it is uninstalled', async () => {
    await namespace.helm('uninstall', 'claims-api', '--wait', '--timeout', '2m');
    await until(
      'pods that are gone',
      60,
      () => namespace.get<{ items: object[] }>('pods', '-l', 'app.kubernetes.io/instance=claims-api'),
      ({ items }) => items.length === 0,
    );
    const kinds = 'all,configmap,secret,serviceaccount,networkpolicy,ingress,pdb,hpa,job,cronjob,pvc,httproute';
    const { items } = await namespace.get<{ items: { kind: string; metadata: { name: string } }[] }>(
      ...[kinds, '-l', 'app.kubernetes.io/instance=claims-api'],
    );
    expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([`Secret ${madeKeys}`]);
    await namespace.kubectl('delete', 'pod', 'client');
  });

  it('comes up as the example for production says, and imports by its job', async () => {
    const pair = newPair();
    await namespace.secret('claims-api-keys', { jwt_key: pair.private, 'jwt_key.pub.pem': pair.public });
    await namespace.upgrade(
      'production',
      ...['-f', 'chart/examples/production.yaml', '--set', `database.existingSecret=${database}`],
      ...['--set-json', 'data={"existingClaim":null,"configMap":{"name":"claims-samples"}}'],
      ...['--set', 'ingress.enabled=true', '--set', 'ingress.host=claims.example.com'],
    );
    const [pod] = await readyPods(3);
    const metrics = `console.log(await (await fetch('http://127.0.0.1:9951/metrics')).text())`;
    expect(await namespace.node(pod?.metadata.name as string, metrics)).toContain(`version="${packageJson.version}"`);
    expect(await kidsOfPods()).toEqual([pair.kid, pair.kid, pair.kid]);
    await namespace.kubectl('create', 'job', 'import-now', '--from=cronjob/production-claims-api-import');
    await namespace.kubectl('wait', 'job/import-now', '--for=condition=Complete', '--timeout=120s');
    // Where the UAT installation before it has loaded the same content, that is known.
    expect(await namespace.kubectl('logs', 'job/import-now')).toMatch(/the same content was loaded before|240 added/);
    expect(await namespace.helm('test', 'production', '--timeout', '2m')).toMatch(/Phase: +Succeeded/);
    await namespace.helm('uninstall', 'production', '--wait');
  });

  it('comes up as the least example says, with a database of its own', async () => {
    await minimal('least');
    expect(await namespace.helm('test', 'least', '--timeout', '2m')).toMatch(/Phase: +Succeeded/);
    await namespace.helm('uninstall', 'least', '--wait');
  });
});
