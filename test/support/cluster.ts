import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from './run.ts';

/** A namespace of the cluster that KUBECONFIG names, and what the tests do in it. */
export class Namespace {
  readonly name = `claims-test-${randomUUID().slice(0, 8)}`;

  /** Of restricted Pod Security. */
  async create(): Promise<void> {
    await run('kubectl', ['create', 'namespace', this.name]);
    await run('kubectl', ['label', 'namespace', this.name, 'pod-security.kubernetes.io/enforce=restricted']);
  }

  async delete(): Promise<void> {
    await run('kubectl', ['delete', 'namespace', this.name, '--wait=false']);
  }

  kubectl(...args: string[]): Promise<string> {
    return run('kubectl', ['--namespace', this.name, ...args]);
  }

  async get<T>(...what: string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', ...what, '-o', 'json'));
  }

  helm(...args: string[]): Promise<string> {
    return run('helm', ['--namespace', this.name, ...args]);
  }

  tryHelm(...args: string[]) {
    return tryRun('helm', ['--namespace', this.name, ...args]);
  }

  /** As the README says it; ends when all pods are ready. */
  upgrade(release: string, ...args: string[]): Promise<string> {
    return this.helm('upgrade', '--install', release, 'chart', '--wait', '--timeout', '4m', ...args);
  }

  async secret(name: string, files: Record<string, string>): Promise<void> {
    const data = Object.fromEntries(
      Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString('base64')]),
    );
    const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data };
    const path = join(tmpdir(), `${this.name}-${name}.json`);
    await writeFile(path, JSON.stringify(manifest), { mode: 0o600 });
    try {
      await this.kubectl('apply', '--server-side', '--force-conflicts', '-f', path);
    } finally {
      await rm(path);
    }
  }

  async pods(component: string): Promise<Pod[]> {
    const selector = `app.kubernetes.io/component=${component}`;
    const { items } = await this.get<{ items: Pod[] }>('pods', '-l', selector);
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Runs JavaScript in a pod, and returns what it printed. */
  node(pod: string, script: string): Promise<string> {
    return this.kubectl('exec', pod, '--', '/usr/local/bin/node', '--input-type=module', '--eval', script);
  }
}

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { containers: { image: string }[] };
  status: {
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number; ready: boolean }[];
  };
}

export const isReady = ({ status }: Pod) =>
  status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

export const restarts = (pods: Pod[]) =>
  pods.reduce((sum, { status }) => sum + (status.containerStatuses?.[0]?.restartCount ?? 0), 0);

/** Asks again, each second, until it is so. Throws with the last answer when it takes longer. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T>, isSo: (answer: T) => boolean) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(1000)) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (Date.now() > end) {
      throw new Error(`expected ${what} within ${seconds} s, found ${JSON.stringify(answer).slice(0, 500)}`);
    }
  }
}
