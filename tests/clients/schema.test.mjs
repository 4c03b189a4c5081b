// The schema, as graphql-js reads it: the file at the top of the project, and what the service tells of itself.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  lexicographicSortSchema,
  printSchema,
  validateSchema,
} from 'graphql';
import { start } from './service.mjs';

const text = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
const written = buildSchema(text);

let service;
before(async () => (service = await start()));
after(() => service?.stop());

test('graphql-js finds no fault in the written schema', () => {
  assert.deepEqual(validateSchema(written), []);
});

for (const database of ['postgres', 'sqlite']) {
  test(`graphql-js finds no fault in the schema of every type of ${database}`, async () => {
    const file = new URL(`../model/live/types/${database}.graphql`, import.meta.url);
    assert.deepEqual(validateSchema(buildSchema(await readFile(file, 'utf8'))), []);
  });
}
test('graphql-js finds no fault in the schema of views and of tables without keys', async () => {
  const views = await readFile(new URL('../model/live/views.graphql', import.meta.url), 'utf8');
  assert.deepEqual(validateSchema(buildSchema(views)), []);
});

test('introspection tells the written schema, with its descriptions', async () => {
  const introspection = await service.ask(
    getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true, oneOf: true, schemaDescription: true }),
  );
  const told = buildClientSchema(introspection);
  assert.deepEqual(validateSchema(told), []);
  const sorted = (schema) => printSchema(lexicographicSortSchema(schema)).split('\n');
  assert.deepEqual(sorted(told), sorted(written));
});
