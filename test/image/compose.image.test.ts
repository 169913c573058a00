import { expect, it } from 'vitest';
import { describeWithDocker, docker } from '../support/docker.ts';

interface Service {
  image: string;
  privileged?: boolean;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  ports?: { host_ip?: string; target: number }[];
  volumes?: { type: string; read_only?: boolean }[];
}

async function project(...profile: string[]): Promise<{ services: Record<string, Service>; volumes: object }> {
  const args = profile.flatMap((name) => ['--profile', name]);
  return JSON.parse(await docker('compose', ...args, 'config', '--format', 'json'));
}

describeWithDocker('compose', () => {
  it('starts the service, its database and its keys, and no more unless it is asked to', async () => {
    const { services, volumes } = await project();
    expect(Object.keys(services).toSorted()).toEqual(['api', 'keys', 'postgres']);
    expect(Object.keys(volumes)).toEqual(['postgres']);
  });

  it('adds Prometheus and Grafana of one version each when it is asked to', async () => {
    const { services } = await project('observe');
    expect(Object.keys(services).toSorted()).toEqual(['api', 'grafana', 'keys', 'postgres', 'prometheus']);
    expect(services.prometheus?.image).toMatch(/^prom\/prometheus:v\d+\.\d+\.\d+$/);
    expect(services.grafana?.image).toMatch(/^grafana\/grafana:\d+\.\d+\.\d+$/);
  });

  it('publishes nothing beyond this machine, and metrics not at all', async () => {
    const { services } = await project('observe');
    const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(ports.map(({ target }) => target).toSorted()).toEqual([3000, 9090, 9950].toSorted());
    expect(ports.filter(({ host_ip }) => host_ip !== '127.0.0.1')).toEqual([]);
  });

  it.each(['api', 'prometheus', 'grafana'])('leaves %s no right that it does not need', async (name) => {
    const service = (await project('observe')).services[name];
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges'] });
    expect(service?.privileged).toBeUndefined();
    expect(service?.volumes?.filter(({ type, read_only }) => type === 'bind' && !read_only)).toEqual([]);
  });
});
