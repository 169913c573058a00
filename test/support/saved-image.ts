import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { docker } from './docker.ts';

const run = promisify(execFile);

export interface Entry {
  /** Without a slash in front; a directory ends with one. */
  path: string;
  /** As `ls -l` shows it, such as -rwxr-xr-x. */
  mode: string;
  owner: string;
}

export interface Layer {
  entries: Entry[];
  /** Everything in all of its files, a byte a character. */
  contents: string;
}

export interface SavedImage {
  config: { config: { Env?: string[]; Labels?: Record<string, string> }; history: { created_by?: string }[] };
  layers: Layer[];
}

/** What `docker save` writes: each layer by itself, so that a file which a later one deletes is seen as well. */
export async function saveImage(image: string): Promise<SavedImage> {
  const directory = await mkdtemp(join(tmpdir(), 'claims-api-image-'));
  try {
    await docker('save', '--output', join(directory, 'image.tar'), image);
    await run('tar', ['-xf', 'image.tar'], { cwd: directory });
    const read = async (path: string) => JSON.parse(await readFile(join(directory, path), 'utf8'));
    const [{ Config, Layers }] = await read('manifest.json');
    const layers = [];
    for (const path of Layers) layers.push(await readLayer(join(directory, path)));
    return { config: await read(Config), layers };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function readLayer(path: string): Promise<Layer> {
  const options = { encoding: 'latin1', maxBuffer: 1 << 30 } as const;
  const list = await run('tar', ['--numeric-owner', '--quoting-style=literal', '-tvf', path], options);
  const files = await run('tar', ['-xOf', path], options);
  const entries = list.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, mode, owner, name] = /^(\S+) (\S+) +\S+ \S+ \S+ (.*)$/.exec(line) ?? [];
      if (!mode || !owner || !name) throw new Error(`tar lists ${line}`);
      return { mode, owner, path: name.replace(/ (->|link to) .*$/, '') };
    });
  return { entries, contents: files.stdout };
}
