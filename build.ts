/** Builds `dist/`, which is all that the image carries beside Node: `node build.ts`. */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import packageJson from './package.json' with { type: 'json' };

const root = import.meta.dirname;
const dist = join(root, 'dist');
const swaggerUi = dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui')));

const common: BuildOptions = {
  bundle: true,
  format: 'esm',
  legalComments: 'linked', // notices stay with the code they are about, in a file beside the bundle
  logLevel: 'warning',
};

/**
 * The package looks for its pages in `../static`, seen from its own `lib/`; from a bundle that is outside `dist`. Its
 * option `baseDir` is no way out: with it every one of these files is served a second time, beside the reference.
 */
const swaggerUiPages: Plugin = {
  name: 'swagger-ui-pages',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]swagger-ui[\\/]lib[\\/]routes\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = source.replace("path.join(__dirname, '..', 'static')", "path.join(__dirname, 'static')");
      if (contents === source) throw new Error('it finds its pages in a new way: see build.ts');
      return { contents };
    });
  },
};

/**
 * Few files, which start faster than a thousand, and what only the service needs apart from what each command loads; not
 * minified, so that the lines of a stack trace can be read.
 */
const program: BuildOptions = {
  ...common,
  entryPoints: [join(root, 'src/main.ts')],
  outdir: dist, // All of it: what reads files beside itself finds them in `dist` from each chunk.
  splitting: true,
  chunkNames: '[name]-[hash]',
  platform: 'node',
  target: 'node26',
  plugins: [swaggerUiPages],
  external: ['supports-color'], // `debug` colours with it where it is installed, as it is for some tool of development
  // What CommonJS packages expect to find, and an ES module has not.
  banner: {
    js: [
      "import { createRequire as createBundleRequire } from 'node:module';",
      'const require = createBundleRequire(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
};

const page: BuildOptions = {
  ...common,
  entryPoints: [join(root, 'src/web/main.tsx')],
  outfile: join(dist, 'web/app.js'),
  platform: 'browser',
  target: 'es2022',
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
};

const isSource = (path: string) => ['.ts', '.tsx'].includes(extname(path)) || basename(path) === 'tsconfig.json';

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
const { name, version, license } = packageJson;
await Promise.all([
  build(program),
  build(page),
  cp(join(root, 'src/db/migrations'), join(dist, 'migrations'), { recursive: true }),
  cp(join(root, 'src/web'), join(dist, 'web'), { recursive: true, filter: (path) => !isSource(path) }),
  cp(join(swaggerUi, 'static'), join(dist, 'static'), { recursive: true }),
  // Says that main.js is an ES module, and to a scanner what this is.
  writeFile(join(dist, 'package.json'), JSON.stringify({ name, version, license, type: 'module' })),
]);
