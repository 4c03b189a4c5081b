// TypeScript of the tests, as modules that run, and checked by the compiler.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A folder outside of the tests, in which packages are found. `apollo` names the package that is `@apollo/client` there. */
export async function workFolder(name, apollo = '@apollo/client') {
  const folder = await mkdtemp(join(tmpdir(), `crowsfoot-${name}-`));
  const packages = join(folder, 'node_modules');
  await mkdir(join(packages, '@apollo'), { recursive: true });
  await symlink(here(`node_modules/${apollo}`), join(packages, '@apollo/client'));
  for (const entry of await readdir(here('node_modules'))) {
    if (entry !== '@apollo') await symlink(here(`node_modules/${entry}`), join(packages, entry));
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

/** Imports a file of TypeScript. */
export async function importTypeScript(path, folder) {
  const text = await readFile(here(path), 'utf8');
  const module = ts.transpileModule(text, { compilerOptions: { module: 'esnext', target: 'es2022' } });
  const file = join(folder, basename(path).replace(/\.ts$/, '.mjs'));
  await writeFile(file, module.outputText);
  return import(pathToFileURL(file).href);
}

/** Gives the faults that the compiler finds in files of a folder. */
export function faultsOf(folder, files) {
  const compiler = here('node_modules/typescript/bin/tsc');
  const words = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];
  return new Promise((resolve) => {
    execFile(process.execPath, [compiler, ...words, ...files], { cwd: folder }, (error, out) =>
      resolve(error ? `${error.message}\n${out}` : ''),
    );
  });
}
