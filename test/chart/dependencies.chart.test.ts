import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readKeyFiles } from '../../src/auth/key-files.ts';
import { temporaryDirectory } from '../support/files.ts';
import {
  at,
  describeWithHelm,
  everything,
  find,
  only,
  podSpecs,
  refusal,
  template,
  withLeast,
  withPostgresql,
} from '../support/helm.ts';

describeWithHelm('the chart', async () => {
  const directory = await temporaryDirectory();

  describe('data', () => {
    const volume = async (values: Record<string, string>) => {
      const spec = 'spec.template.spec.volumes.0';
      return at(only(await template({ ...values }), 'Deployment'), spec);
    };

    it.each<[string, Record<string, string>, object]>([
      [
        'an existing claim',
        { 'data.existingClaim.name': 'files' },
        { persistentVolumeClaim: { claimName: 'files', readOnly: true } },
      ],
      [
        'a new claim',
        { 'data.newClaim.size': '5Gi' },
        { persistentVolumeClaim: { claimName: 'claims-api-data', readOnly: true } },
      ],
      ['a directory of the node', { 'data.hostPath.path': '/srv' }, { hostPath: { path: '/srv', type: 'Directory' } }],
      [
        'NFS',
        { 'data.nfs': '{"server":"nfs.example","path":"/claims"}' },
        { nfs: { server: 'nfs.example', path: '/claims', readOnly: true } },
      ],
      ['a ConfigMap', { 'data.configMap.name': 'samples' }, { configMap: { name: 'samples' } }],
      [
        'an image',
        { 'data.image.reference': 'claims:1' },
        { image: { reference: 'claims:1', pullPolicy: 'IfNotPresent' } },
      ],
    ])('is mounted from %s', async (_source, values, expected) => {
      expect(await volume(values)).toEqual({ name: 'data', ...expected });
    });

    it('may be none', async () => {
      expect(at(only(await template(), 'Deployment'), 'spec.template.spec.volumes.0')).toEqual({
        name: 'data',
        emptyDir: {},
      });
    });

    it('is mounted read-only where the service looks', async () => {
      expect(at(only(await template(), 'Deployment'), 'spec.template.spec.containers.0.volumeMounts')).toContainEqual({
        name: 'data',
        mountPath: '/opt/claims-api',
        readOnly: true,
      });
    });

    it('is a claim of the asked class and size, which an uninstall leaves', async () => {
      const values = {
        'data.newClaim': '{"size":"5Gi","className":"fast","accessMode":"ReadWriteMany"}',
      };
      const claim = only(await template(values), 'PersistentVolumeClaim');
      expect(claim).toMatchObject({
        metadata: { annotations: { 'helm.sh/resource-policy': 'keep' } },
        spec: { accessModes: ['ReadWriteMany'], storageClassName: 'fast', resources: { requests: { storage: '5Gi' } } },
      });
    });

    it.each([
      ['no source', {}],
      ['two sources', { 'data.empty': '{}', 'data.hostPath.path': '/srv' }],
      ['a source of no known kind', { 'data.bucket': 'claims' }],
      ['a source with something that it does not have', { 'data.configMap': '{"name":"samples","key":"x"}' }],
      ['a claim without a size', { 'data.newClaim.className': 'fast' }],
    ])('is refused with %s', async (_what, values) => {
      const said = await refusal({ 'database.existingSecret': 'database', ...values });
      expect(said).toContain("values don't meet the specifications of the schema");
      expect(said).toContain('/data');
    });
  });

  describe('keys', () => {
    it('come from a Secret of the operator, as a directory that follows it', async () => {
      const manifests = await template({ 'keys.existingSecret': 'my-keys' });
      const deployment = only(manifests, 'Deployment');
      expect(at(deployment, 'spec.template.spec.volumes')).toContainEqual({
        name: 'keys',
        secret: { secretName: 'my-keys', defaultMode: 0o440 },
      });
      const mounts = at(deployment, 'spec.template.spec.containers.0.volumeMounts') as object[];
      expect(mounts).toContainEqual({ name: 'keys', mountPath: '/var/secrets/claims-api', readOnly: true });
      expect(mounts.filter((mount) => 'subPath' in mount)).toEqual([]);
      expect(find(manifests, 'Secret')).toBeUndefined();
    });

    it('are made once, as a pair that the service takes and no later release touches', async () => {
      const secret = only(await template(), 'Secret', 'claims-api-made-keys');
      expect(secret.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
      for (const [name, text] of Object.entries(at(secret, 'data') as Record<string, string>)) {
        await writeFile(join(directory, name), Buffer.from(text, 'base64'));
        await chmod(join(directory, name), 0o440);
      }
      const { verification } = await readKeyFiles(directory);
      expect(verification.map(({ file }) => file)).toEqual(['jwt_key.pub.pem']);
    });

    it('come from files, with the public keys of earlier pairs', async () => {
      const file = async (name: string, label: string) => {
        const path = join(directory, name);
        await writeFile(path, `-----BEGIN ${label}-----\n${name}\n-----END ${label}-----\n`);
        return path;
      };
      const secret = only(
        await template({}, [
          ...['--set-file', `keys.private=${await file('new', 'PRIVATE KEY')}`],
          ...['--set-file', `keys.public=${await file('new.pub', 'PUBLIC KEY')}`],
          ...['--set-file', `keys.older.2025=${await file('old.pub', 'PUBLIC KEY')}`],
        ]),
        'Secret',
      );
      const data = at(secret, 'data') as Record<string, string>;
      expect(Object.keys(data)).toEqual(['jwt_key', 'jwt_key.pub.pem', '2025.pub.pem']);
      expect(Buffer.from(data['2025.pub.pem'] as string, 'base64').toString()).toContain('old.pub');
    });

    it.each([
      ['older ones alone', { 'keys.older.2025': '-----BEGIN PUBLIC KEY-----' }, 'without the pair itself'],
      ['one file of a pair', { 'keys.private': '-----BEGIN PRIVATE KEY-----' }, 'two files of one pair'],
      ['a public key in place of the private one', { 'keys.private': '-----BEGIN PUBLIC KEY-----' }, '/keys/private'],
      [
        'a Secret and files',
        {
          'keys.existingSecret': 'a',
          'keys.private': '-----BEGIN PRIVATE KEY-----',
          'keys.public': '-----BEGIN PUBLIC KEY-----',
        },
        'both set',
      ],
    ])('are refused as %s', async (_what, values, expected) => {
      expect(await refusal(withLeast(values))).toContain(expected);
    });
  });

  describe('the database', () => {
    it('is required, and the refusal says how to make its Secret', async () => {
      const said = await refusal({ 'data.empty': '{}' });
      expect(said).toContain('kubectl create secret generic claims-api-database --namespace uat');
      expect(said).toContain('--from-literal=DATABASE_URL=');
    });

    it('is named by its Secret alone: no URL stands in an object', async () => {
      const manifests = await template({ ...everything, 'database.existingSecret': 'database', 'database.key': 'url' });
      expect(JSON.stringify(manifests)).not.toContain('postgres://');
      for (const [name, spec] of podSpecs(manifests)) {
        expect(at(spec, 'containers.0.env'), name).toContainEqual({
          name: 'DATABASE_URL',
          valueFrom: { secretKeyRef: { name: 'database', key: 'url' } },
        });
      }
    });

    it('for trials is off unless it is asked for, and then says what it is not for', async () => {
      expect(find(await template(), 'StatefulSet')).toBeUndefined();
      const manifests = await template(withPostgresql);
      expect(at(only(manifests, 'StatefulSet'), 'spec.template.spec.containers.0.image')).toBe('postgres:18-trixie');
      const secret = at(only(manifests, 'Secret', 'claims-api-postgresql'), 'data.DATABASE_URL') as string;
      expect(Buffer.from(secret, 'base64').toString()).toMatch(
        /^postgres:\/\/claims:[A-Za-z0-9]{32}@claims-api-postgresql:5432\/claims$/,
      );
    });

    it('cannot be both', async () => {
      expect(await refusal(withLeast({ 'postgresql.enabled': true, 'database.existingSecret': 'database' }))).toContain(
        'expected one database',
      );
    });
  });
});
