// Relay's compiler takes the schema, and what it makes of a page's fragments runs. It writes the documents to a file, as an
// application's build does, and the service runs the documents of that file alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'graphql';
import compiler from 'relay-compiler';
import runtime from 'relay-runtime';
import { start } from '../service.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

let folder, service, ids;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crowsfoot-relay-'));
  await cp(here('relay.config.json'), join(folder, 'relay.config.json'));
  await cp(here('src'), join(folder, 'src'), { recursive: true });
  await cp(here('../../../schema.graphql'), join(folder, 'schema.graphql'));
  // The compiler wants both to be there.
  await mkdir(join(folder, 'artifacts'));
  await writeFile(join(folder, 'documents.json'), '{}');
  await new Promise((resolve, reject) => {
    execFile(compiler, ['relay.config.json'], { cwd: folder }, (error, out, log) =>
      error ? reject(new Error(`${error.message}\n${out}\n${log}`)) : resolve(),
    );
  });
  const documents = JSON.parse(await readFile(join(folder, 'documents.json'), 'utf8'));
  ids = new Map(Object.entries(documents).map(([id, text]) => [parse(text).definitions[0].name.value, id]));
  service = await start('--trusted-documents', join(folder, 'documents.json'));
});
after(async () => {
  await service?.stop();
  await rm(folder, { recursive: true });
});

async function run(name, variables) {
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ documentId: `sha256:${ids.get(name)}`, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, `${name}: ${JSON.stringify(errors)}`);
  return data;
}

test('every fragment and operation is compiled', async () => {
  const artifacts = (await readdir(join(folder, 'artifacts'))).map((file) => file.replace('.graphql.js', '')).sort();
  const operations = [
    'PeopleAddMutation',
    'PeopleLiveSubscription',
    'PeoplePageQuery',
    'PeoplePostsQuery',
    'PeopleQuery',
    'PeopleRemoveMutation',
    'PeopleRenameMutation',
    'PeopleUserQuery',
  ];
  assert.deepEqual([...ids.keys()].sort(), operations);
  assert.deepEqual(artifacts, [...operations, 'People_posts', 'People_user', 'People_users'].sort());
});

test('the configuration is that of the program', async () => {
  const read = async (path) => JSON.parse(await readFile(here(path), 'utf8'));
  const { schemaConfig, customScalarTypes } = await read('../settings/relay.config.json');
  const own = await read('relay.config.json');
  assert.deepEqual(own.schemaConfig, schemaConfig);
  for (const [name, type] of Object.entries(customScalarTypes)) assert.equal(own.customScalarTypes[name], type);
});

test('the store keeps a row under its nodeId', async () => {
  const network = runtime.Network.create(async ({ name }, variables) => ({ data: await run(name, variables) }));
  const store = new runtime.Store(new runtime.RecordSource());
  const environment = new runtime.Environment({ network, store, getDataID: (row) => row.nodeId });
  const query = createRequire(join(folder, 'package.json'))('./artifacts/PeopleQuery.graphql.js');
  await runtime.fetchQuery(environment, query, {}).toPromise();
  const { usersConnection } = await run('PeopleQuery');
  const kept = store.getSource().getRecordIDs();
  for (const { node } of usersConnection.edges) assert.ok(kept.includes(node.nodeId), `${node.nodeId}: ${kept}`);
});

test('a page asks for the next until there is none', async () => {
  const { usersConnection: first } = await run('PeopleQuery');
  assert.ok(first.pageInfo.hasNextPage, 'the example has more users than one page');
  const pages = [first];
  while (pages.at(-1).pageInfo.hasNextPage) {
    const { usersConnection } = await run('PeoplePageQuery', { first: 3, after: pages.at(-1).pageInfo.endCursor });
    pages.push(usersConnection);
  }
  const edges = pages.flatMap((page) => page.edges);
  const { usersConnection: all } = await run('PeoplePageQuery', { first: 1000, after: null });
  assert.deepEqual(edges, all.edges);
  assert.ok(pages.slice(0, -1).every((page) => page.edges.length === 3));
  for (const { node } of edges) assert.equal(node.__typename, 'User');
});

test('a row is asked for again by its nodeId', async () => {
  const { usersConnection } = await run('PeopleQuery');
  for (const { node } of usersConnection.edges) {
    const { node: again } = await run('PeopleUserQuery', { nodeId: node.nodeId });
    assert.deepEqual(again, node);
  }
});

test('a list below a row pages by itself', async () => {
  const { authors } = await run('PeopleQuery');
  const author = authors.find(({ postsConnection }) => postsConnection.pageInfo.hasNextPage);
  assert.ok(author, 'the example has an author of more posts than one page');
  const { node } = await run('PeoplePostsQuery', {
    nodeId: author.nodeId,
    first: 1,
    after: author.postsConnection.pageInfo.endCursor,
  });
  assert.equal(node.__typename, 'Author');
  assert.equal(node.name, author.name);
  assert.notEqual(node.postsConnection.edges[0].node.nodeId, author.postsConnection.edges[0].node.nodeId);
});

test('what a mutation answers with has the nodeId under which the store keeps the row', async () => {
  const { usersConnection } = await run('PeopleQuery');
  const [{ node }] = usersConnection.edges;
  const { updateUser } = await run('PeopleRenameMutation', { id: 1, username: 'renamed' });
  assert.deepEqual(updateUser, { username: 'renamed', profile: node.profile, nodeId: node.nodeId });
});
