import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import type { Config } from '../config.ts';
import type { Connection } from '../db/client.ts';
import { UsageError } from '../usage.ts';
import { generateKeys } from './generate-keys.ts';
import { readKeyFiles } from './key-files.ts';
import { hashPassword, passwordFault } from './passwords.ts';
import { disableUser, enableUser, insertUser, listUsers, setPassword } from './queries.ts';
import { readPassword } from './read-password.ts';
import { defaultScopes, demoUser, parseUserName, scopes } from './users.ts';

/** Writes a line for the person who typed the command. */
type Out = (line: string) => void;

const keysUsage = `Usage:
  claims keys generate [--if-missing] [--group GID] [--directory DIR]
  claims keys list [--directory DIR]`;

const userUsage = `Usage:
  claims user add NAME [--scope SCOPE]...
  claims user passwd NAME
  claims user list
  claims user disable NAME
  claims user enable NAME
Scopes: ${scopes.join(', ')}; without --scope: ${defaultScopes.join(', ')}.
The password is read from CLAIMS_API_PASSWORD, else from standard input.`;

/** `claims keys …`. Throws UsageError and KeyError. */
export async function keysCommand(args: string[], config: Pick<Config, 'keysDirectory'>, out: Out): Promise<void> {
  const [verb, ...rest] = args;
  if (verb === 'generate') {
    const { values } = parse(rest, keysUsage, 0, {
      'if-missing': { type: 'boolean' },
      group: { type: 'string' },
      directory: { type: 'string' },
    });
    const directory = values.directory ?? config.keysDirectory;
    const written = await generateKeys(directory, {
      ifMissing: values['if-missing'] ?? false,
      group: parseGroup(values.group),
    });
    for (const path of written) out(`wrote ${path}`);
    if (written.length === 0) out(`kept the key pair in ${directory}`);
  } else if (verb === 'list') {
    const { values } = parse(rest, keysUsage, 0, { directory: { type: 'string' } });
    const { signing, verification } = await readKeyFiles(values.directory ?? config.keysDirectory);
    for (const { kid, file } of verification) {
      out(`${kid}  ${kid === signing.kid ? 'signs and verifies' : 'verifies          '}  ${file}`);
    }
  } else {
    throw unknownVerb('keys', verb, keysUsage);
  }
}

interface UserDeps<C> {
  config: C;
  /** Opens the migrated database; only called once the arguments and the password are in order. */
  open(config: C): Promise<{ sql: Connection; end(): Promise<void> }>;
  out: Out;
  /** Takes the place of the environment, standard input and the terminal. */
  password?: () => Promise<string>;
}

/** `claims user …`. Throws UsageError. */
export async function userCommand<C>(
  args: string[],
  { config, open, out, password = askPassword }: UserDeps<C>,
): Promise<void> {
  const [verb, ...rest] = args;
  const onDatabase = async (work: (sql: Connection) => Promise<void>) => {
    const { sql, end } = await open(config);
    try {
      await work(sql);
    } finally {
      await end();
    }
  };

  const onUser = (name: string, change: (sql: Connection) => Promise<string | undefined>, done: string) =>
    onDatabase(async (sql) => {
      if ((await change(sql)) === undefined) throw unknownUser(name);
      out(done);
    });

  if (verb === 'add') {
    const { values, positionals } = parse(rest, userUsage, 1, { scope: { type: 'string', multiple: true } });
    const name = userName(positionals);
    const granted = parseScopes(values.scope);
    const passwordHash = await newPasswordHash(password);
    await onDatabase(async (sql) => {
      if (!(await insertUser(sql, { name, passwordHash, scopes: granted }))) {
        throw new UsageError(`There is a user ${name} already; claims user list shows all of them.`);
      }
      out(`added ${name} with the scopes ${granted.join(', ')}`);
    });
  } else if (verb === 'passwd') {
    const name = userName(parse(rest, userUsage, 1, {}).positionals);
    const passwordHash = await newPasswordHash(password);
    const done = `changed the password of ${name}; tokens issued before are refused within 10 seconds`;
    await onUser(name, (sql) => setPassword(sql, name, passwordHash), done);
  } else if (verb === 'list') {
    parse(rest, userUsage, 0, {});
    await onDatabase(async (sql) => {
      const users = await listUsers(sql);
      if (users.length === 0) out('there are no users yet; add one with: claims user add NAME');
      const width = Math.max(...users.map((user) => user.name.length));
      for (const user of users) {
        const state = user.disabledAt ? 'disabled' : user.demo ? 'demo    ' : 'active  ';
        out(
          `${user.name.padEnd(width)}  ${state}  ${user.createdAt.toISOString().slice(0, 10)}  ${user.scopes.join(' ')}`,
        );
      }
    });
  } else if (verb === 'disable') {
    const name = userName(parse(rest, userUsage, 1, {}).positionals);
    const done = `disabled ${name}; their tokens are refused within 10 seconds`;
    await onUser(name, (sql) => disableUser(sql, name), done);
  } else if (verb === 'enable') {
    const name = userName(parse(rest, userUsage, 1, {}).positionals);
    const done = `enabled ${name}, who can log in with the password and the scopes of before`;
    await onUser(name, (sql) => enableUser(sql, name), done);
  } else {
    throw unknownVerb('user', verb, userUsage);
  }
}

const askPassword = () => readPassword({ env: process.env, input: process.stdin, prompts: process.stderr });

/** The arguments behind the verb, of which exactly so many are not options. */
function parse<O extends ParseArgsOptionsConfig>(args: string[], usage: string, names: number, options: O) {
  try {
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
    if (parsed.positionals.length === names) return parsed;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`);
  }
  throw new UsageError(`Expected ${names === 0 ? 'no further arguments' : 'exactly one NAME'}.\n${usage}`);
}

function unknownVerb(command: string, verb: string | undefined, usage: string): UsageError {
  return new UsageError(verb === undefined ? usage : `There is no command ${command} ${verb}.\n${usage}`);
}

const unknownUser = (name: string) => new UsageError(`There is no user ${name}; claims user list shows all of them.`);

function parseGroup(text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new UsageError(`--group: expected the numeric id of a group, found ${JSON.stringify(text)}`);
}

function userName([text = '']: string[]): string {
  const name = parseUserName(text);
  if (name === undefined) {
    throw new UsageError(
      `${JSON.stringify(text)} is no user name: expected up to 64 of a-z, 0-9 and . _ @ -, the first a letter or digit.`,
    );
  }
  if (name === demoUser) {
    throw new UsageError(`The user ${demoUser} is not managed here: CLAIMS_API_INSECURE_DEMO lets it in, or does not.`);
  }
  return name;
}

function parseScopes(given: string[] = defaultScopes): string[] {
  const unknown = given.find((scope) => !scopes.some((known) => known === scope));
  if (unknown !== undefined) {
    throw new UsageError(`--scope: expected one of ${scopes.join(', ')}, found ${JSON.stringify(unknown)}`);
  }
  return [...new Set(given)];
}

async function newPasswordHash(read: () => Promise<string>): Promise<string> {
  const password = await read();
  const fault = passwordFault(password);
  if (fault !== undefined) throw new UsageError(`Nothing was changed: ${fault}.`);
  return hashPassword(password);
}
