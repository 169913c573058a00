// What `helm test` runs in a pod of the image: logs in through the Service, as a client in the cluster would, and lists
// claims. Without a Secret that names a user, it makes one, and disables it again.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const url = process.env.TEST_URL;
const claims = (args, environment = {}) =>
  execFileSync(process.execPath, ['/claims-api/main.js', ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });

async function call(path, options = {}) {
  const answer = await fetch(url + path, { ...options, signal: AbortSignal.timeout(10_000) });
  const body = await answer.text();
  return { status: answer.status, body: body === '' ? undefined : JSON.parse(body) };
}

function expect(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: expected ${expected}, found ${found}`);
  console.log(`${what}: ${found}`);
}

async function check(username, password) {
  const ready = await call('/health/ready');
  expect('ready', ready.status, 200);
  expect('version', ready.body.version, process.env.TEST_VERSION || ready.body.version);
  expect('claims without a token', (await call('/api/claims')).status, 401);
  const login = await call('/api/auth/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  expect('login', login.status, 200);
  const list = await call('/api/claims?limit=5', { headers: { authorization: `Bearer ${login.body.token}` } });
  expect('claims', list.status, 200);
  console.log(`a page of ${list.body.claims.length} claims`);
}

if (process.env.TEST_USERNAME) await check(process.env.TEST_USERNAME, process.env.TEST_PASSWORD);
else {
  const name = `helm-test-${randomBytes(4).toString('hex')}`;
  const password = randomBytes(24).toString('base64url');
  claims(['user', 'add', name, '--scope', 'claims:read'], { CLAIMS_API_PASSWORD: password });
  try {
    await check(name, password);
  } finally {
    claims(['user', 'disable', name]);
  }
}
