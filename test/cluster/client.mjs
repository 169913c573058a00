// A client inside the cluster: sends requests through the Service until it is ended, from several callers at once, over
// connections that are kept and over new ones, and says each half second how many there were and what went wrong.

const { URL_OF_SERVICE: url, USERNAME: username, PASSWORD: password } = process.env;
let failures = 0;
let last = '';
let requests = 0;

function failed(what) {
  failures += 1;
  last = what;
}

let tokens = [];

async function call(path, options = {}) {
  requests += 1;
  try {
    const answer = await fetch(url + path, { ...options, signal: AbortSignal.timeout(10_000) });
    const body = await answer.json();
    if (answer.status === 200) return body;
    failed(`${path}: ${answer.status} ${body.detail ?? ''}`);
  } catch (error) {
    failed(`${path}: ${error.cause?.code ?? error.name}`);
  }
  return undefined;
}

async function login() {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ username, password });
  const answer = await call('/api/auth/login', { method: 'POST', headers, body });
  // The first token, which must stay good, and the latest.
  if (answer) tokens = [tokens[0] ?? answer.token, answer.token];
}

async function list(index) {
  for (let count = 0; ; count += 1) {
    const authorization = `Bearer ${tokens[count % 2]}`;
    const connection = index % 2 === 0 ? 'close' : 'keep-alive';
    await call('/api/claims?limit=5', { headers: { authorization, connection } });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await login();
setInterval(login, 2000);
setInterval(() => console.log(JSON.stringify({ requests, failures, last })), 500);
await Promise.all([0, 1, 2, 3].map(list));
