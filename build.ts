/**
 * Builds `dist/`, which is all that the image carries beside Node: `node build.ts`; or the same as a directory of another
 * name, which is not there yet: `node build.ts DIRECTORY`.
 */

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';
import packageJson from './package.json' with { type: 'json' };

const root = import.meta.dirname;
const [named] = process.argv.slice(2);
const dist = named ? resolve(named) : join(root, 'dist');
const swaggerUi = dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui')));

const common: BuildOptions = {
  bundle: true,
  format: 'esm',
  legalComments: 'linked', // notices stay with the code they are about, in a file beside the bundle
  logLevel: 'warning',
};

interface Edit {
  file: RegExp;
  replace: [from: string, to: string][];
}

/** A module of Node's that is loaded when something of it is used. */
const lateBuiltin = (module: string) =>
  `const ${module} = new Proxy({}, { get: (_, name) => process.getBuiltinModule('node:${module}')[name] })`;

/** What packages have otherwise in the bundle. */
const edits: Edit[] = [
  {
    // It looks for its pages in `../static`, seen from its own `lib/`; from a bundle that is outside `dist`. Its option
    // `baseDir` is no way out: with it every one of these files is served a second time, beside the reference.
    file: /[\\/]swagger-ui[\\/]lib[\\/]routes\.js$/,
    replace: [["path.join(__dirname, '..', 'static')", "path.join(__dirname, 'static')"]],
  },
  {
    // postgres.js 3.4.9 gives each query, a subclass of Promise, two closures. In V8 14 what is reached from such an
    // object outlives a collection of the young after it is done with, and then waits for one of all: a twentieth of what
    // a look-up made. As methods they cost a patient's claims a quarter less of the processor, and the service 30 MB less.
    file: /[\\/]postgres[\\/]src[\\/]query\.js$/,
    replace: [
      ['this.resolve = x => (this.active = false, resolve(x))\n', 'this.settle = { resolve, reject }\n'],
      ['this.reject = x => (this.active = false, reject(x))\n', ''],
      [
        'static get [Symbol.species]',
        `resolve(x) { this.active = false; this.settle.resolve(x) }
  reject(x) { this.active = false; this.settle.reject(x) }
  static get [Symbol.species]`,
      ],
    ],
  },
  // To load these took 3 MB, for a service that hardly ever meets one of them.
  {
    file: /[\\/]postgres[\\/]src[\\/]connection\.js$/,
    replace: [["import tls from 'tls'", lateBuiltin('tls')]],
  },
  {
    file: /[\\/]fastify[\\/]lib[\\/]server\.js$/,
    replace: [
      ["const https = require('node:https')", lateBuiltin('https')],
      ["const http2 = require('node:http2')", lateBuiltin('http2')],
    ],
  },
];

/** Fails where a file or a passage is not there any more. */
const edited: Plugin = {
  name: 'edited',
  setup({ onLoad, onEnd }) {
    const missing = new Set(edits.map(({ file }) => file));
    for (const { file, replace } of edits) {
      onLoad({ filter: file }, async ({ path }) => {
        missing.delete(file);
        let contents = await readFile(path, 'utf8');
        for (const [from, to] of replace) {
          if (!contents.includes(from)) throw new Error(`expected in ${path}: ${from}\nSee \`edits\` in build.ts`);
          contents = contents.replace(from, to);
        }
        return { contents };
      });
    }
    onEnd(() => {
      for (const file of missing) throw new Error(`expected a file ${file}\nSee \`edits\` in build.ts`);
    });
  },
};

/**
 * An `import` of node:http reads all that it exports, which loads a client of WebSockets: 12 ms and 3 MB. Read like this,
 * nothing is loaded that is not used.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:http$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'http-alone' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'http-alone' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http');",
    }));
  },
};

/**
 * Functions of packages that are called seldom or never, or for the first request and not to start: to load these took
 * 20 ms of the start, and 3 MB; to read what is not loaded, in the files of all the rest, another 20 ms and 2 MB.
 */
const calledLate: Record<string, string[]> = {
  '@fastify/ajv-compiler': [],
  '@fastify/fast-json-stringify-compiler': [],
  glob: ['glob'],
  'light-my-request': [],
  'pino-pretty': [],
  yaml: ['parse', 'stringify'],
};

const fileOf = (name: string) => name.replace(/^@/, '').replace('/', '-');

/** Where each of those lies that were asked for, by its file in `dist`. */
const lateFiles = new Map<string, string>();

/** Has each of those packages in a file of its own, which is loaded when it is first called. */
const loadedLate: Plugin = {
  name: 'loaded-late',
  setup({ onResolve, onLoad, resolve }) {
    const namespace = 'loaded-late';
    onResolve(
      { filter: new RegExp(`^(${Object.keys(calledLate).join('|')})$`) },
      async ({ path, resolveDir, ...from }) => {
        if (from.pluginData === namespace) return undefined;
        const found = await resolve(path, { resolveDir, kind: 'require-call', pluginData: namespace });
        if (found.errors.length > 0) return { errors: found.errors };
        if ((lateFiles.get(fileOf(path)) ?? found.path) !== found.path) throw new Error(`two versions of ${path}`);
        lateFiles.set(fileOf(path), found.path);
        return { path, namespace };
      },
    );
    onResolve({ filter: /^\.\/late\//, namespace }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /.*/, namespace }, ({ path }) => {
      const load = `require('./late/${fileOf(path)}.cjs')`;
      const functions = (calledLate[path] ?? []).map((name) => `${name}: (...rest) => ${load}.${name}(...rest)`);
      return {
        contents: `module.exports = Object.assign((...rest) => ${load}(...rest), { ${functions.join(', ')} });`,
      };
    });
  },
};

/**
 * Few files, which start faster than a thousand, and what only the service needs apart from what each command loads; not
 * minified, so that the lines of a stack trace can be read.
 */
const program: BuildOptions & { write: false } = {
  ...common,
  entryPoints: [join(root, 'src/main.ts')],
  outdir: dist, // All of it: what reads files beside itself finds them in `dist` from each chunk.
  splitting: true,
  chunkNames: '[name]-[hash]',
  platform: 'node',
  target: 'node26',
  plugins: [edited, httpAlone, loadedLate],
  write: false,
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

/** After the program, which says what there is. */
const late = (): BuildOptions & { write: false } => ({
  ...program,
  format: 'cjs',
  splitting: false,
  plugins: [],
  banner: {},
  entryPoints: Object.fromEntries(lateFiles),
  outdir: join(dist, 'late'),
  outExtension: { '.js': '.cjs' },
});

/**
 * Of what esbuild leaves outside of ASCII, all stands in comments. V8 keeps a source with a character beyond Latin-1 in
 * twice the memory.
 */
async function writeAscii({ outputFiles }: BuildResult<{ write: false }>): Promise<void> {
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, /\.c?js$/.test(path) ? text.replace(/[^\0-\x7f]/g, '?') : text);
  }
}

const isSource = (path: string) => ['.ts', '.tsx'].includes(extname(path)) || basename(path) === 'tsconfig.json';

if (!named) await rm(dist, { recursive: true, force: true });
await mkdir(dist);
const { name, version, license } = packageJson;
await Promise.all([
  build(program)
    .then(writeAscii)
    .then(() => build(late()))
    .then(writeAscii),
  build(page),
  cp(join(root, 'src/db/migrations'), join(dist, 'migrations'), { recursive: true }),
  cp(join(root, 'src/web'), join(dist, 'web'), { recursive: true, filter: (path) => !isSource(path) }),
  cp(join(swaggerUi, 'static'), join(dist, 'static'), { recursive: true }),
  // Says that main.js is an ES module, and to a scanner what this is.
  writeFile(join(dist, 'package.json'), JSON.stringify({ name, version, license, type: 'module' })),
]);
