import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dockerfile = readFileSync(join(import.meta.dirname, '../docker/Dockerfile'), 'utf8');

function inDockerfile(pattern: RegExp): string {
  const found = pattern.exec(dockerfile)?.[1];
  if (found === undefined)
    throw new Error(`expected ${pattern} in docker/Dockerfile, whose way to start it is measured`);
  return found;
}

/** Arguments of Node that run the program as it was built, with the flags of the image. */
export const program: string[] = [
  ...(JSON.parse(inDockerfile(/^ENTRYPOINT (\[.+\])$/m)) as string[]).filter((argument) => argument.startsWith('--')),
  join(import.meta.dirname, '../dist/main.js'),
];

/** What the service and its commands are started with; a setting of the caller's is none of theirs. */
export function environment(directory: string, databaseUrl: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CLAIMS_API_'));
  return {
    ...Object.fromEntries(inherited as [string, string][]),
    NODE_ENV: 'production',
    MALLOC_ARENA_MAX: inDockerfile(/\bMALLOC_ARENA_MAX=(\d+)$/m),
    DATABASE_URL: databaseUrl,
    CLAIMS_API_KEYS: join(directory, 'keys'),
    CLAIMS_API_DATA: join(directory, 'data'),
    CLAIMS_API_UPLOADS: join(directory, 'uploads'),
  };
}
