// Apollo Client with the settings of `crowsfoot client apollo`: identities, pages, errors, live queries.
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { faultsOf, importTypeScript, workFolder } from './modules.mjs';
import { start, within } from './service.mjs';

let service, work, settings;
before(async () => {
  work = await workFolder('apollo');
  settings = await importTypeScript('settings/apollo.ts', work.folder);
  service = await start();
});
after(async () => {
  await service?.stop();
  await work?.remove();
});

function connect({ possibleTypes, typePolicies } = settings) {
  const cache = new InMemoryCache({ possibleTypes, typePolicies });
  return new ApolloClient({ cache, link: new HttpLink({ uri: `${service.origin}/graphql` }) });
}

test('the settings are typed', async () => {
  await copyFile(fileURLToPath(new URL('settings/apollo.ts', import.meta.url)), join(work.folder, 'apollo.ts'));
  assert.equal(await faultsOf(work.folder, ['apollo.ts']), '');
});

test('an object has the identity of its key', async () => {
  const client = connect();
  await client.query({ query: gql`{ places { id restaurant { placeId servesPizza } } users { id username } }` });
  const kept = client.cache.extract();
  assert.ok(kept['Restaurant:{"placeId":3}'], Object.keys(kept).join(' '));
  assert.ok(kept['User:1']);
});

test('numbers named id are no identities', async () => {
  const query = gql`
    {
      one: booksAggregate(where: { id: { lte: 2 } }) { min { id title } }
      other: booksAggregate(where: { id: { lte: 1 } }) { min { id } max { id isbn } }
    }
  `;
  const kept = async (client) => {
    const { data } = await client.query({ query });
    assert.equal(data.one.min.title, 'A Garden Against the Wind');
    return Object.keys(client.cache.extract()).some((key) => key.startsWith('BookMinimum'));
  };
  assert.deepEqual([await kept(connect()), await kept(connect({}))], [false, true]);
});

test('without the settings a row without an id is kept with its parent', async () => {
  const client = connect({});
  await client.query({ query: gql`{ places { id restaurant { placeId } } }` });
  assert.ok(!Object.keys(client.cache.extract()).some((key) => key.startsWith('Restaurant')));
});

test('pages are joined, for each filter and order', async () => {
  const client = connect();
  const query = gql`
    query ($after: String, $where: UserFilter) {
      usersConnection(first: 3, after: $after, where: $where) { edges { node { id } } pageInfo { endCursor hasNextPage } }
    }
  `;
  const variables = { where: {} };
  const { data } = await client.query({ query, variables });
  const pages = client.watchQuery({ query, variables });
  const watching = pages.subscribe({});
  await pages.fetchMore({ variables: { after: data.usersConnection.pageInfo.endCursor } });
  watching.unsubscribe();
  const ids = client.readQuery({ query, variables }).usersConnection.edges.map(({ node }) => node.id);
  assert.deepEqual(ids, [1, 2, 3, 4, 5, 6]);
  const filtered = await client.query({ query, variables: { where: { id: { gt: 6 } } } });
  assert.deepEqual(filtered.data.usersConnection.edges.map(({ node }) => node.id), [7, 8]);
});

test('a mutation changes the row wherever it is shown', async () => {
  const client = connect();
  const query = gql`{ user(id: 1) { id username } users(limit: 1) { id username } }`;
  await client.query({ query });
  const mutation = gql`mutation { updateUser(id: 1, input: { username: "ada l." }) { id username } }`;
  await client.mutate({ mutation });
  const { user, users } = client.readQuery({ query });
  assert.deepEqual([user.username, users[0].username], ['ada l.', 'ada l.']);
});

test('a list becomes shorter without a warning', async () => {
  const { warn } = console;
  const warnings = [];
  console.warn = (...words) => warnings.push(words);
  const shorten = async (client) => {
    const set = gql`mutation ($courses: [CourseKey!]!) { updateStudent(id: 1, input: { courses: { set: $courses } }) { id courses { id } } }`;
    for (const courses of [[{ id: 1 }, { id: 2 }], [{ id: 2 }]]) await client.mutate({ mutation: set, variables: { courses } });
    return warnings.splice(0).length;
  };
  try {
    assert.deepEqual([await shorten(connect()), (await shorten(connect({}))) > 0], [0, true]);
  } finally {
    console.warn = warn;
  }
});

test('an error has its code and facts', async () => {
  const mutation = gql`mutation { createUser(input: { username: "björn" }) { id } }`;
  const error = await connect().mutate({ mutation }).then(() => undefined, (error) => error);
  assert.ok(CombinedGraphQLErrors.is(error), String(error));
  assert.deepEqual(error.errors[0].extensions, { code: 'UNIQUE_VIOLATION', entity: 'User', fields: ['username'] });
});

test('a live query follows a commit', async () => {
  const url = `${service.origin.replace('http', 'ws')}/graphql`;
  const sockets = createClient({ url, webSocketImpl: WebSocket, lazyCloseTimeout: 0 });
  const client = new ApolloClient({ cache: new InMemoryCache(settings), link: new GraphQLWsLink(sockets) });
  const seen = [];
  await within(
    new Promise((resolve, reject) => {
      const live = client.subscribe({ query: gql`subscription { user(id: 3) { id username } }` });
      live.subscribe({
        error: reject,
        next: ({ data }) => {
          seen.push(data.user.username);
          if (seen.length === 2) resolve();
          else service.ask('mutation { updateUser(id: 3, input: { username: "chloe" }) { id } }').catch(reject);
        },
      });
    }),
    'the second result',
  );
  assert.deepEqual(seen, ['chloé', 'chloe']);
  await sockets.dispose();
});
