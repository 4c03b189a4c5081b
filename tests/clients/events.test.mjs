// GraphQL over server-sent events, each operation on a connection of its own (the document PROTOCOL.md of the npm package
// `graphql-sse`): with that package's client, and with the bytes as they come.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { start, until, within } from './service.mjs';

let service;
before(async () => (service = await start()));
after(() => service?.stop());

const USERS = 'subscription { users { username profile { bio } } }';
const add = 'mutation ($input: UserCreate!) { createUser(input: $input) { id } }';
const addUser = (username) => service.ask(add, { input: { username } });

describe('the client of graphql-sse', () => {
  let client;
  before(() => (client = createClient({ url: `${service.origin}/graphql`, singleConnection: false, retryAttempts: 0 })));
  after(() => client.dispose());

  const all = async (payload) => {
    const results = [];
    for await (const result of client.iterate(payload)) results.push(result);
    return results;
  };

  test('a query, with variables and one operation of several', async () => {
    const query = 'query A { __typename } query B($id: Int!) { user(id: $id) { id } }';
    const results = await all({ query, operationName: 'B', variables: { id: 1 } });
    assert.deepEqual(results, [{ data: { user: { id: 1 } } }]);
  });

  test('a mutation', async () => {
    const query = 'mutation { createUser(input: { username: "by events" }) { username } }';
    assert.deepEqual(await all({ query }), [{ data: { createUser: { username: 'by events' } } }]);
  });

  test('a subscription, again after a commit that touched its tables, until the client ends it', async () => {
    const results = client.iterate({ query: USERS });
    const next = async () => {
      const { value, done } = await within(results.next(), 'a result');
      assert.ok(!done && !value.errors, JSON.stringify(value));
      return value.data.users;
    };
    const first = await next();
    await service.ask('mutation { createPlace(input: { name: "somewhere", address: "" }) { id } }');
    // Had the other table brought a result, it would come before this one.
    await addUser('live');
    assert.deepEqual(await next(), [...first, { username: 'live', profile: null }]);
    await results.return();
    assert.ok((await results.next()).done);
  });

  test('a fault of the document is a result', async () => {
    for (const [query, code] of [
      ['{ users {', 'GRAPHQL_PARSE_FAILED'],
      ['{ thereIsNoSuchField }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { users { nothing } }', 'GRAPHQL_VALIDATION_FAILED'],
    ]) {
      const [{ data, errors }, ...more] = await all({ query });
      assert.deepEqual(more, []);
      assert.equal(data, undefined);
      assert.equal(errors[0].extensions.code, code);
    }
  });
});

/** Sends a request that takes events alone. */
const post = (body, { signal, origin = service.origin } = {}) =>
  fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(body),
    signal,
  });
const get = (parameters) =>
  fetch(`${service.origin}/graphql?${new URLSearchParams(parameters)}`, { headers: { accept: 'text/event-stream' } });

/** The events of a response, one by one, as the section "Event stream interpretation" of the HTML standard reads them. */
async function* events(response) {
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/event-stream(;|$)/);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const event = {};
      for (const line of text.slice(0, end).split('\n')) {
        // A comment keeps the connection alive.
        if (line.startsWith(':')) continue;
        const [, field, value] = /^(\w+)(?:: ?(.*))?$/.exec(line) ?? assert.fail(`no field: ${line}`);
        event[field] = field in event ? `${event[field]}\n${value}` : (value ?? '');
      }
      if ('event' in event || 'data' in event) yield event;
    }
  }
  assert.equal(text, '', 'the stream ends with an event');
}

async function eventsOf(response) {
  const all = [];
  for await (const event of events(response)) all.push(event);
  return all;
}

describe('the stream', () => {
  const data = { user: { id: 1 } };
  // Without `data`, an `EventSource` would not tell its listeners that it is complete.
  const complete = { event: 'complete', data: '' };

  test('of a query is one result and the end, by POST and by GET', async () => {
    const query = 'query ($id: Int!) { user(id: $id) { id } }';
    for (const response of [
      await post({ query, variables: { id: 1 } }),
      await get({ query, variables: JSON.stringify({ id: 1 }) }),
    ]) {
      const [next, ...rest] = await eventsOf(response);
      assert.equal(next.event, 'next');
      assert.deepEqual(JSON.parse(next.data).data, data);
      assert.deepEqual(rest, [complete]);
    }
  });

  test('must not be kept by whoever it passes', async () => {
    const response = await post({ query: '{ __typename }' });
    assert.match(response.headers.get('cache-control') ?? '', /no-store|no-cache/);
    await response.body.cancel();
  });

  test('of a subscription goes on, by GET as a browser would ask for it', async () => {
    const stream = events(await get({ query: USERS }));
    const next = async () => {
      const { value } = await within(stream.next(), 'an event');
      assert.equal(value.event, 'next');
      return JSON.parse(value.data).data.users;
    };
    const first = await next();
    await addUser('seen\nby "GET"');
    assert.deepEqual(await next(), [...first, { username: 'seen\nby "GET"', profile: null }]);
    await stream.return();
  });

  // "Validation steps that run before execution of the GraphQL operation MUST report errors through an accepted SSE
  // connection by emitting `next` events that contain the errors in the data field."
  test('of a fault is a result with errors and the end', async () => {
    for (const query of ['{ users {', '{ thereIsNoSuchField }', 'subscription { users { nothing } }']) {
      for (const response of [await post({ query }), await get({ query })]) {
        const [next, ...rest] = await eventsOf(response);
        assert.equal(next.event, 'next');
        const result = JSON.parse(next.data);
        assert.ok(result.errors.length > 0 && !('data' in result), next.data);
        assert.deepEqual(rest, [complete]);
      }
    }
  });

  test('of what fails while it runs is a result with data and errors and the end', async () => {
    const [next, ...rest] = await eventsOf(
      await post({ query: 'mutation { updateUser(id: 1000000, input: {}) { id } }' }),
    );
    const result = JSON.parse(next.data);
    assert.equal(result.data, null);
    assert.equal(result.errors[0].extensions.code, 'NOT_FOUND');
    assert.deepEqual(rest, [complete]);
  });

  test('is not opened for a mutation by GET', async () => {
    const response = await get({ query: 'mutation { createUser(input: { username: "by GET" }) { id } }' });
    assert.equal(response.status, 405);
    await response.body.cancel();
    assert.deepEqual(await service.ask('{ userByUsername(username: "by GET") { id } }'), { userByUsername: null });
  });

  test('is not opened where another answer is preferred', async () => {
    const response = await fetch(`${service.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream;q=0.1' },
      body: JSON.stringify({ query: '{ user(id: 1) { id } }' }),
    });
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assert.deepEqual((await response.json()).data, data);
  });

  test('ends when the client goes', async () => {
    const narrow = await start('--max-sockets', '1');
    // There is room for one only: a stream opens when the service has let go of the last. It must see that the client
    // closes, and not merely that some later comment cannot be sent.
    const open = async () => {
      const leaving = new AbortController();
      const response = await post({ query: USERS }, { signal: leaving.signal, origin: narrow.origin });
      if (response.status !== 200) await response.body.cancel();
      assert.equal(response.status, 200);
      const { value } = await within(events(response).next(), 'an event');
      assert.equal(value.event, 'next');
      return leaving;
    };
    try {
      for (let time = 0; time < 4; time += 1) (await until(open, 10_000)).abort();
    } finally {
      await narrow.stop();
    }
  });

  test('does not keep the service from ending', async () => {
    const ending = await start();
    const stream = events(await post({ query: USERS }, { origin: ending.origin }));
    await within(stream.next(), 'an event');
    assert.equal(await ending.stop(), 0);
    await stream.return();
  });
});
