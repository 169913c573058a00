import { join } from 'node:path';

/** The program as it was built. */
export const program = join(import.meta.dirname, '../dist/main.js');

/** What the service and its commands are started with; a setting of the caller's is none of theirs. */
export function environment(directory: string, databaseUrl: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('CLAIMS_API_'));
  return {
    ...Object.fromEntries(inherited as [string, string][]),
    NODE_ENV: 'production',
    DATABASE_URL: databaseUrl,
    CLAIMS_API_KEYS: join(directory, 'keys'),
    CLAIMS_API_DATA: join(directory, 'data'),
    CLAIMS_API_UPLOADS: join(directory, 'uploads'),
  };
}
