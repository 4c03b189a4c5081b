// Bundles the GraphiQL page into `dist/`: every file that the browser asks for, and nothing from another host.
//
// Each name but the page's own carries a hash of the content, so the server may let browsers keep the
// files for ever. Beside each file stands a gzipped one: what `build.rs` puts into the binary.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = 'dist';

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  // What is rarely needed (the formatter, the WebSocket client) becomes files of its own, fetched on first use.
  splitting: true,
  target: ['chrome109', 'firefox115', 'safari16.4'],
  outdir: dist,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  // GraphiQL asks for these by their old names, which are CommonJS: imported on demand, such a module has no named exports.
  alias: { 'prettier/parser-babel': 'prettier/plugins/babel', 'prettier/parser-graphql': 'prettier/plugins/graphql' },
  define: { 'process.env.NODE_ENV': '"production"' },
  metafile: true,
  // The notices are gathered into one file below.
  legalComments: 'none',
  logLevel: 'warning',
};

// GraphiQL's own style sheet has Monaco's in it already.
const withoutMonacoStyles = {
  name: 'without-monaco-styles',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'empty' }));
  },
};

// The file that stands for an entry point, as the build has named it.
function outputOf(result, entry) {
  const [path, output] = Object.entries(result.metafile.outputs).find(([, { entryPoint }]) => entryPoint === entry);
  return { script: basename(path), style: output.cssBundle && basename(output.cssBundle) };
}

// The licences of the packages whose code is in the bundles: their terms ask that the notices go along.
async function notices(results) {
  const folders = new Set();
  for (const { metafile } of results) {
    for (const { inputs } of Object.values(metafile.outputs)) {
      for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
        if (folder && bytesInOutput > 0) folders.add(folder);
      }
    }
  }
  const texts = [...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const files = (await readdir(folder)).filter((file) => /^(licen[sc]e|notice|thirdpartynotices)/i.test(file)).sort();
    const parts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
    return [`${name} ${version} (${license})`, ...parts.map((part) => part.trim())].join('\n\n');
  });
  return `${(await Promise.all(texts)).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

await rm(dist, { recursive: true, force: true });

const workerEntries = {
  editor: 'node_modules/monaco-editor/esm/vs/editor/editor.worker.js',
  json: 'node_modules/monaco-editor/esm/vs/language/json/json.worker.js',
  graphql: 'node_modules/monaco-graphql/esm/graphql.worker.js',
};
const workers = await build({ ...common, entryPoints: Object.values(workerEntries) });
const workerFiles = Object.fromEntries(
  Object.entries(workerEntries).map(([label, entry]) => [label, `./${outputOf(workers, entry).script}`]),
);

const page = await build({
  ...common,
  entryPoints: { graphiql: 'src/main.jsx' },
  jsx: 'automatic',
  define: { ...common.define, WORKERS: JSON.stringify(workerFiles) },
  plugins: [withoutMonacoStyles],
});
const { script, style } = outputOf(page, 'src/main.jsx');

const texts = await notices([workers, page]);
const licenses = `licenses-${createHash('sha256').update(texts).digest('hex').slice(0, 8)}.txt`;
await writeFile(join(dist, licenses), texts);

const html = Object.entries({ script, style, licenses }).reduce(
  (text, [name, file]) => text.replace(`{{${name}}}`, `graphiql/${file}`),
  await readFile('index.html', 'utf8'),
);
await writeFile(join(dist, 'index.html'), html);

for (const file of await readdir(dist)) {
  await writeFile(join(dist, `${file}.gz`), gzipSync(await readFile(join(dist, file)), { level: 9 }));
}
