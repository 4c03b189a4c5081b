// urql with Graphcache and the settings of `crowsfoot client urql`.
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { faultsOf, importTypeScript, workFolder } from './modules.mjs';
import { start } from './service.mjs';

let service, work, settings;
const warnings = [];
const { warn } = console;
before(async () => {
  work = await workFolder('urql');
  settings = await importTypeScript('settings/urql.ts', work.folder);
  service = await start();
  console.warn = (...words) => warnings.push(words.join(' '));
});
after(async () => {
  console.warn = warn;
  await service?.stop();
  await work?.remove();
});

function connect({ keys, resolvers } = settings) {
  const exchanges = [cacheExchange({ keys, resolvers }), fetchExchange];
  return new Client({ url: `${service.origin}/graphql`, exchanges, preferGetMethod: false });
}

async function ask(client, query, variables = {}) {
  const { data, error } = await client.query(query, variables).toPromise();
  assert.equal(error, undefined, String(error));
  return data;
}

const everything = gql`
  {
    places { id restaurant { placeId servesPizza waiters { id name } } }
    usersConnection(first: 2) { totalCount edges { cursor node { id } } pageInfo { hasNextPage } }
    booksAggregate { count sum { id } max { title } }
  }
`;

test('the settings are typed', async () => {
  await copyFile(fileURLToPath(new URL('settings/urql.ts', import.meta.url)), join(work.folder, 'urql.ts'));
  assert.equal(await faultsOf(work.folder, ['urql.ts']), '');
});

test('no object lacks a key, and without the settings some do', async () => {
  warnings.length = 0;
  await ask(connect(), everything);
  assert.deepEqual(warnings, []);
  await ask(connect({}), everything);
  assert.ok(warnings.some((text) => text.includes('Restaurant')), warnings.join('\n'));
});

test('a mutation changes a row of another key wherever it is shown', async () => {
  const client = connect();
  const query = gql`{ restaurants(where: { placeId: { eq: 3 } }) { placeId servesPizza } restaurant(placeId: 3) { placeId servesPizza } }`;
  const before = await ask(client, query);
  assert.equal(before.restaurant.servesPizza, false);
  const mutation = gql`mutation { updateRestaurant(placeId: 3, input: { servesPizza: true }) { placeId servesPizza } }`;
  const { error } = await client.mutation(mutation, {}).toPromise();
  assert.equal(error, undefined, String(error));
  const kept = client.readQuery(query, {}).data;
  assert.deepEqual([kept.restaurant.servesPizza, kept.restaurants[0].servesPizza], [true, true]);
});

test('pages are joined', async () => {
  const client = connect();
  const query = gql`
    query ($after: String) { usersConnection(first: 3, after: $after) { edges { node { id } } pageInfo { endCursor hasNextPage } } }
  `;
  const { usersConnection: first } = await ask(client, query);
  await ask(client, query, { after: first.pageInfo.endCursor });
  const { usersConnection: joined } = await ask(client, query);
  assert.deepEqual(joined.edges.map(({ node }) => node.id), [1, 2, 3, 4, 5, 6]);
});

test('an error has its code', async () => {
  const mutation = gql`mutation { createUser(input: { username: "björn" }) { id } }`;
  const { error } = await connect().mutation(mutation, {}).toPromise();
  assert.equal(error.graphQLErrors[0].extensions.code, 'UNIQUE_VIOLATION');
});
