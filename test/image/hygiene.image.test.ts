import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, expect, it } from 'vitest';
import lock from '../../package-lock.json' with { type: 'json' };
import { describeWithDocker, docker } from '../support/docker.ts';
import { buildImage } from '../support/image.ts';
import { type SavedImage, saveImage } from '../support/saved-image.ts';

// What a scanner would look for, where none can be had: in each layer of the image, as `docker save` writes it.

const names = ({ layers }: SavedImage) => layers.flatMap(({ entries }) => entries.map(({ path }) => path));

const setuid = ({ layers }: SavedImage) =>
  layers.flatMap(({ entries }) => entries.filter(({ mode }) => /[sS]/.test(mode.slice(1))).map(({ path }) => path));

/** A link's own mode means nothing, and is always open. */
const worldWritable = ({ layers }: SavedImage) =>
  layers.flatMap(({ entries }) => entries.filter(({ mode }) => /^[^l].{7}w/.test(mode)).map(({ path }) => path));

const secretFile =
  /(^|\/)(\.(env|npmrc|netrc|pgpass|git|docker|ssh|aws|kube)(\/|$|\.)|id_(rsa|ecdsa|ed25519)|jwt_key|.*\.(pem|key|p12|pfx)$)/;

/** With its first line of key, or as long as they are: Node's own code holds the words alone. */
const secretText = {
  'a private key': /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\r\n]{60}/,
  "npm's token": /\bnpm_[A-Za-z0-9]{36}\b/,
  "GitHub's token": /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})/,
  "AWS's key": /\bAKIA[A-Z0-9]{16}\b/,
  'a signed token': /\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{40}/,
  'a password in an address': /\bpostgres(?:ql)?:\/\/(?!user:password@)[a-z0-9_]+:[A-Za-z0-9]{8,}@[a-z0-9.-]+/,
};

const secrets = (image: SavedImage) => [
  ...names(image).filter((path) => secretFile.test(path)),
  ...image.layers.flatMap(({ contents }) =>
    Object.entries(secretText).flatMap(([what, pattern]) => (pattern.test(contents) ? [what] : [])),
  ),
  ...[...(image.config.config.Env ?? []), ...image.config.history.map(({ created_by }) => created_by ?? '')].filter(
    (text) => /(SECRET|TOKEN|PASSWORD|CREDENTIAL)[A-Z_]*=/i.test(text),
  ),
];

describeWithDocker("the image's hygiene", () => {
  let image: SavedImage;

  beforeAll(async () => {
    image = await saveImage(await buildImage());
  });

  it('keeps to the program, Node, and what Node is linked with', () => {
    const needed = [
      'claims-api/',
      'etc/(group|passwd|nsswitch.conf|ssl/certs/ca-certificates.crt)$',
      '(usr/)?lib(64)?/([a-z0-9_]+-linux-gnu/)?(ld-linux[a-z0-9-]*|lib(atomic|c|dl|gcc_s|m|pthread|stdc\\+\\+))\\.so\\.\\d$',
      'usr/local/bin/node$',
    ];
    const files = names(image).filter((path) => !path.endsWith('/'));
    expect(files.length).toBeGreaterThan(needed.length);
    expect(files.filter((path) => !new RegExp(`^(${needed.join('|')})`).test(path))).toEqual([]);
  });

  it('bundles packages that the program depends on, and no other', () => {
    const production = Object.entries(lock.packages as Record<string, { dev?: boolean }>)
      .filter(([, { dev }]) => !dev)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // esbuild names each module's file in a comment.
    const program = image.layers.map(({ contents }) => contents).join('');
    const modules = program.matchAll(/^\/\/ (?:\S*\/)?node_modules\/((?:@[^/\s]+\/)?[^/\s]+)\/\S+$/gm);
    const bundled = new Set(Array.from(modules, ([, name]) => name));
    expect(bundled).toContain('fastify');
    expect([...bundled].filter((name) => !production.includes(String(name)))).toEqual([]);
  });

  it('has no file with the right to become another user', () => {
    expect(setuid(image)).toEqual([]);
  });

  it('has nothing but /tmp that anybody may write to', () => {
    expect(worldWritable(image)).toEqual(['tmp/']);
  });

  it('leaves all files to root, so that the program cannot change itself', () => {
    const owners = new Set(image.layers.flatMap(({ entries }) => entries.map(({ owner }) => owner)));
    expect([...owners]).toEqual(['0/0']);
  });

  it('holds no secret, in no layer and no setting', () => {
    expect(secrets(image)).toEqual([]);
  });

  it('would be found to be otherwise, also where a later layer hides it', async () => {
    const key = 'MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQC7aGVsbG8gd29ybGQ';
    const build = spawn('docker', ['build', '--quiet', '--tag', 'claims-api-test-unclean', '-']);
    build.stdin.end(`
      FROM node:26-trixie-slim AS unclean
      RUN mkdir -p /out && cp /bin/true /out/su && chmod 4755 /out/su && touch /out/open && chmod 666 /out/open
      RUN printf -- '-----BEGIN PRIVATE KEY-----\\n${key}\\n' >/out/notes.txt
      FROM scratch
      ENV API_TOKEN=x
      COPY --from=unclean /out /
      COPY --from=unclean /out/open /notes.txt
    `);
    expect(await once(build, 'close')).toEqual([0, null]);
    const unclean = await saveImage('claims-api-test-unclean');
    await docker('rmi', 'claims-api-test-unclean');
    expect(setuid(unclean)).toEqual(['su']);
    expect(worldWritable(unclean)).toEqual(expect.arrayContaining(['open']));
    expect(secrets(unclean)).toEqual(['a private key', 'API_TOKEN=x', expect.stringContaining('API_TOKEN')]);
  });
});
