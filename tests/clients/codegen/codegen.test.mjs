// Types for TypeScript, generated from the schema by graphql-codegen, and `proof.ts` checked against them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import * as typescript from '@graphql-codegen/typescript';
import { parse } from 'graphql';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const document = async (path) => parse(await readFile(here(path), 'utf8'));

const folder = await mkdtemp(join(tmpdir(), 'crowsfoot-codegen-'));
after(() => rm(folder, { recursive: true }));

const config = {
  skipTypename: true,
  avoidOptionals: { field: true },
  // A scalar that the schema has and this list lacks is a failure.
  strictScalars: true,
  scalars: {
    BigInt: 'string',
    Bytes: 'string',
    Date: 'string',
    DateTime: 'string',
    Decimal: 'string',
    JSON: 'unknown',
    Time: 'string',
    UUID: 'string',
  },
};

async function generate(name, plugin) {
  const text = await codegen({
    filename: `${name}.ts`,
    schema: await document('../../../schema.graphql'),
    documents: [{ location: 'operations.graphql', document: await document('operations.graphql') }],
    plugins: [{ [name]: {} }],
    pluginMap: { [name]: plugin },
    config,
  });
  await writeFile(join(folder, `${name}.ts`), text);
}

test('the types of the schema and of operations say what may be null', async () => {
  await generate('schema', typescript);
  await generate('operations', operations);
  await copyFile(here('proof.ts'), join(folder, 'proof.ts'));
  const compiler = here('../node_modules/typescript/bin/tsc');
  const faults = await new Promise((resolve) => {
    const words = [compiler, '--strict', '--noEmit', '--target', 'es2022', '--moduleResolution', 'bundler', 'proof.ts'];
    execFile(process.execPath, words, { cwd: folder }, (error, out) => resolve(error ? `${error.message}\n${out}` : ''));
  });
  assert.equal(faults, '');
});
