import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from './files.ts';

/** A directory with the page as the build leaves it, in two short files. */
export async function builtPage(): Promise<string> {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, 'index.html'), '<title>Claims</title>');
  await writeFile(join(directory, 'app.js'), 'start()');
  return directory;
}
