// `graphql-transport-ws` (the document PROTOCOL.md of the npm package `graphql-ws`): with that package's client, and with
// frames of our own where the client would never send them.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { Frames, PROTOCOL, refusal } from './frames.mjs';
import { start, until, within } from './service.mjs';

let service;
before(async () => (service = await start()));
after(() => service?.stop());

const USERS = 'subscription { users { username profile { bio } } }';

const addUser = (username) =>
  service.ask('mutation ($input: UserCreate!) { createUser(input: $input) { id } }', { input: { username } });
const addPlace = (name) =>
  service.ask('mutation ($name: String!) { createPlace(input: { name: $name, address: "" }) { id } }', { name });

const subscribe = (id, query, rest = {}) => ({ id, type: 'subscribe', payload: { query, ...rest } });
const names = ({ payload }) => payload.data.users.map(({ username }) => username);

describe('the client of graphql-ws', () => {
  let client;
  before(() => {
    client = createClient({
      url: `${service.origin.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 5,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    });
  });
  after(() => client.dispose());

  const only = async (payload) => {
    const results = [];
    for await (const result of client.iterate(payload)) results.push(result);
    assert.equal(results.length, 1);
    return results[0];
  };
  const next = async (results) => {
    const { value, done } = await within(results.next(), 'a result');
    assert.ok(!done, 'the service has completed');
    assert.equal(value.errors, undefined, JSON.stringify(value.errors));
    return value.data;
  };

  test('a query, with variables and one operation of several', async () => {
    const query = 'query A { __typename } query B($id: Int!) { user(id: $id) { id } }';
    assert.deepEqual(await only({ query, operationName: 'B', variables: { id: 1 } }), { data: { user: { id: 1 } } });
  });

  test('a mutation', async () => {
    const { data } = await only({ query: 'mutation { createUser(input: { username: "by socket" }) { username } }' });
    assert.deepEqual(data, { createUser: { username: 'by socket' } });
    assert.deepEqual(await service.ask('{ userByUsername(username: "by socket") { username } }'), {
      userByUsername: { username: 'by socket' },
    });
  });

  test('a subscription, until the client completes it', async () => {
    const results = client.iterate({ query: USERS });
    const { users } = await next(results);
    await addUser('while subscribed');
    const { users: after } = await next(results);
    assert.equal(after.length, users.length + 1);
    await results.return();
    assert.ok((await results.next()).done);
  });

  test('many operations at once on one socket', async () => {
    const live = client.iterate({ query: 'subscription { usersAggregate { count } }' });
    await next(live);
    const ids = Array.from({ length: 40 }, (_, index) => (index % 8) + 1);
    const query = 'query ($id: Int!) { user(id: $id) { id } }';
    const answers = await Promise.all(ids.map((id) => only({ query, variables: { id } })));
    assert.deepEqual(
      answers.map(({ data }) => data.user.id),
      ids,
    );
    await live.return();
  });

  test('a fault of the document is an error of the operation, not of the connection', async () => {
    const results = client.iterate({ query: '{ thereIsNoSuchField }' });
    await assert.rejects(results.next(), (errors) => errors[0].extensions.code === 'GRAPHQL_VALIDATION_FAILED');
    await only({ query: '{ __typename }' });
  });

  test('a connection that was cut is made anew, and a subscription goes on', async () => {
    const results = client.iterate({ query: USERS });
    const first = await next(results);
    client.terminate();
    assert.deepEqual(await next(results), first);
    await addUser('after a cut');
    assert.equal((await next(results)).users.length, first.users.length + 1);
    await results.return();
  });
});

describe('the handshake', () => {
  test('chooses the subprotocol among those that are offered', async () => {
    for (const protocols of [[PROTOCOL], ['something-else', PROTOCOL]]) {
      const frames = await Frames.open(service.origin, { protocols });
      assert.equal(frames.protocol, PROTOCOL);
      frames.close();
    }
  });

  for (const [what, protocols] of [
    ['no subprotocol', []],
    ['an unknown subprotocol', ['something-else']],
    ['the subprotocol of the protocol before this', ['graphql-ws']],
  ]) {
    test(`with ${what} is refused`, async () => {
      const { status, code } = await refusal(service.origin, { protocols });
      assert.ok(status === 400 || code === 4406, `status ${status}, code ${code}`);
    });
  }

  // A page of any origin may open a socket and send the visitor's cookies along: browsers do not ask first, as for fetch.
  for (const origin of ['https://elsewhere.example', 'http://127.0.0.1:1', 'null']) {
    test(`from a page of ${origin} is refused`, async () => {
      assert.deepEqual(await refusal(service.origin, { headers: { origin } }), { status: 403 });
    });
  }

  test('from the same origin, or from no page at all, is accepted', async () => {
    for (const headers of [{ origin: service.origin }, {}]) {
      const frames = await Frames.open(service.origin, { headers });
      frames.send({ type: 'connection_init' });
      await frames.expect({ type: 'connection_ack' });
      frames.close();
    }
  });

  test('from an origin that the settings allow is accepted', async () => {
    const origin = 'https://shop.example';
    const allowing = await start('--cors-origin', origin);
    try {
      (await Frames.open(allowing.origin, { headers: { origin } })).close();
      const other = { origin: 'https://elsewhere.example' };
      assert.deepEqual(await refusal(allowing.origin, { headers: other }), { status: 403 });
    } finally {
      await allowing.stop();
    }
  });
});

describe('the connection', () => {
  test('is acknowledged, whatever payload came with its initialisation', async () => {
    for (const init of [{}, { payload: null }, { payload: { token: 'none' } }]) {
      const frames = await Frames.open(service.origin);
      frames.send({ type: 'connection_init', ...init });
      assert.equal((await frames.next()).type, 'connection_ack');
      frames.close();
    }
  });

  test('that is not initialised in time is closed with 4408', async () => {
    const impatient = await start('--socket-init-timeout', '1');
    try {
      const frames = await Frames.open(impatient.origin);
      await frames.expectClose(4408);
      // The time is for the initialisation alone.
      const initialised = await Frames.ready(impatient.origin);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      assert.deepEqual(await initialised.settle(), []);
      initialised.close();
    } finally {
      await impatient.stop();
    }
  });

  test('that is initialised twice is closed with 4429', async () => {
    const frames = await Frames.ready(service.origin);
    frames.send({ type: 'connection_init' });
    await frames.expectClose(4429);
  });

  test('that is initialised twice before the answer is closed with 4429', async () => {
    const frames = await Frames.open(service.origin);
    frames.send({ type: 'connection_init' });
    frames.send({ type: 'connection_init' });
    const { messages, code } = await frames.end();
    assert.equal(code, 4429);
    // The protocol leaves it open whether the first is still answered.
    assert.ok(messages.length <= 1 && messages.every(({ type }) => type === 'connection_ack'), JSON.stringify(messages));
  });

  test('that was not initialised runs nothing, and is closed with 4401', async () => {
    const frames = await Frames.open(service.origin);
    frames.send(subscribe('1', 'mutation { createUser(input: { username: "nobody" }) { id } }'));
    await frames.expectClose(4401);
    const { userByUsername } = await service.ask('{ userByUsername(username: "nobody") { id } }');
    assert.equal(userByUsername, null);
  });

  test('answers a ping with its payload, also before the initialisation', async () => {
    const frames = await Frames.open(service.origin);
    frames.send({ type: 'ping' });
    assert.equal((await frames.next()).type, 'pong');
    frames.send({ type: 'ping', payload: { round: [1, null, { deep: true }] } });
    await frames.expect({ type: 'pong', payload: { round: [1, null, { deep: true }] } });
    frames.close();
  });

  test('takes a pong that it did not ask for', async () => {
    const frames = await Frames.ready(service.origin);
    frames.send({ type: 'pong' });
    frames.send({ type: 'pong', payload: { heartbeat: 1 } });
    assert.deepEqual(await frames.settle(), []);
    frames.close();
  });

  test('with a frame that is too large is closed with 1009', async () => {
    const frames = await Frames.ready(service.origin);
    frames.send({ type: 'ping', payload: { padding: 'x'.repeat(16 << 20) } });
    await frames.expectClose(1009);
  });

  test('runs as many operations at once as the settings allow, and refuses one more', async () => {
    const narrow = await start('--max-subscriptions', '2');
    try {
      const frames = await Frames.ready(narrow.origin);
      for (const id of ['1', '2']) {
        frames.send(subscribe(id, USERS));
        assert.equal((await frames.next()).type, 'next');
      }
      frames.send(subscribe('3', USERS));
      const refused = await frames.next();
      assert.deepEqual([refused.id, refused.type], ['3', 'error']);
      assert.equal(typeof refused.payload[0].message, 'string');
      // The others go on, and where one ends there is room.
      frames.send({ id: '1', type: 'complete' });
      frames.send(subscribe('3', USERS));
      const { id, type } = await frames.next();
      assert.deepEqual([id, type], ['3', 'next']);
      assert.deepEqual(await frames.settle(), []);
      frames.close();
    } finally {
      await narrow.stop();
    }
  });

  test('is one of as many as the settings allow', async () => {
    const narrow = await start('--max-sockets', '1');
    try {
      const frames = await Frames.ready(narrow.origin);
      assert.deepEqual(await refusal(narrow.origin), { status: 503 });
      assert.deepEqual(await frames.settle(), []);
      frames.close();
      await until(async () => (await Frames.ready(narrow.origin)).close());
    } finally {
      await narrow.stop();
    }
  });

  test('does not keep the service from ending', async () => {
    const ending = await start();
    const frames = await Frames.ready(ending.origin);
    frames.send(subscribe('1', USERS));
    assert.equal((await frames.next()).type, 'next');
    assert.equal(await ending.stop(), 0);
  });
});

describe('a message that the protocol does not have closes the socket with 4400', () => {
  const payload = { query: '{ __typename }' };
  for (const [what, message] of [
    ['no JSON', '{ "type": "ping"'],
    ['nothing', ''],
    ['JSON that is no object', '"ping"'],
    ['a list', '[{ "type": "ping" }]'],
    ['null', 'null'],
    ['no type', {}],
    ['a type that is no text', { type: 1 }],
    ['an unknown type', { type: 'start', id: '1', payload }],
    ['a type that only the service sends', { type: 'next', id: '1', payload: { data: {} } }],
    ['another such type', { type: 'connection_ack' }],
    ['an initialisation whose payload is no object', { type: 'connection_init', payload: 'token' }],
    ['a ping whose payload is no object', { type: 'ping', payload: 'now' }],
    ['a pong whose payload is no object', { type: 'pong', payload: [1] }],
    ['a subscription without id', { type: 'subscribe', payload }],
    ['a subscription whose id is a number', { type: 'subscribe', id: 1, payload }],
    ['a subscription whose id is empty', { type: 'subscribe', id: '', payload }],
    ['a subscription without payload', { type: 'subscribe', id: '1' }],
    ['a subscription without query', { type: 'subscribe', id: '1', payload: {} }],
    ['a query that is no text', { type: 'subscribe', id: '1', payload: { query: 1 } }],
    ['variables that are no object', { type: 'subscribe', id: '1', payload: { ...payload, variables: 'id' } }],
    ['variables that are a list', { type: 'subscribe', id: '1', payload: { ...payload, variables: [1] } }],
    ['an operation name that is no text', { type: 'subscribe', id: '1', payload: { ...payload, operationName: 1 } }],
    ['extensions that are no object', { type: 'subscribe', id: '1', payload: { ...payload, extensions: 'all' } }],
    ['a completion without id', { type: 'complete' }],
    ['a completion whose id is no text', { type: 'complete', id: 1 }],
    ['bytes', new TextEncoder().encode('{ "type": "ping" }')],
  ]) {
    test(what, async () => {
      const isInit = message?.type === 'connection_init';
      const frames = await (isInit ? Frames.open(service.origin) : Frames.ready(service.origin));
      frames.send(message);
      await frames.expectClose(4400);
    });
  }
});

describe('an operation', () => {
  let frames;
  beforeEach(async () => (frames = await Frames.ready(service.origin)));
  afterEach(() => frames.close());

  /** The messages of an operation up to its end. */
  async function messages(request) {
    frames.send(request);
    const all = [];
    do all.push(await frames.next());
    while (all.at(-1).type === 'next');
    return all;
  }

  test('that is a query has one result and is complete', async () => {
    const data = { user: { id: 1 } };
    assert.deepEqual(await messages(subscribe('q', '{ user(id: 1) { id } }')), [
      { id: 'q', type: 'next', payload: { data } },
      { id: 'q', type: 'complete' },
    ]);
  });

  test('takes nulls for what may be left out', async () => {
    const rest = { variables: null, operationName: null, extensions: null };
    const [next, complete] = await messages(subscribe('q', '{ __typename }', rest));
    assert.deepEqual(next.payload.data, { __typename: 'Query' });
    assert.equal(complete.type, 'complete');
  });

  for (const [what, query, code] of [
    ['cannot be parsed', '{ users {', 'GRAPHQL_PARSE_FAILED'],
    ['is not valid', '{ thereIsNoSuchField }', 'GRAPHQL_VALIDATION_FAILED'],
    ['is a subscription that is not valid', 'subscription { users { nothing } }', 'GRAPHQL_VALIDATION_FAILED'],
  ]) {
    test(`that ${what} ends with a list of errors`, async () => {
      const [error, ...more] = await messages(subscribe('e', query));
      assert.deepEqual(more, []);
      assert.equal(error.type, 'error');
      assert.equal(error.id, 'e');
      assert.ok(Array.isArray(error.payload) && error.payload.length > 0, JSON.stringify(error));
      for (const { message, extensions } of error.payload) {
        assert.equal(typeof message, 'string');
        assert.equal(extensions.code, code);
      }
      // Nothing more comes of it, and its id is free.
      assert.deepEqual(await frames.settle(), []);
      assert.equal((await messages(subscribe('e', '{ __typename }'))).at(-1).type, 'complete');
    });
  }

  test('that fails while it runs has a result with the error, and is complete', async () => {
    const [next, complete] = await messages(
      subscribe('f', 'mutation { updateUser(id: 1000000, input: {}) { id } }'),
    );
    assert.equal(next.type, 'next');
    assert.equal(next.payload.data, null);
    assert.equal(next.payload.errors[0].extensions.code, 'NOT_FOUND');
    assert.deepEqual(next.payload.errors[0].path, ['updateUser']);
    assert.deepEqual(complete, { id: 'f', type: 'complete' });
  });

  test('is completed by the client without an answer, and its id is free', async () => {
    frames.send(subscribe('s', USERS));
    assert.equal((await frames.next()).type, 'next');
    frames.send({ id: 's', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
    assert.equal((await messages(subscribe('s', '{ __typename }'))).at(-1).type, 'complete');
  });

  test('that is not known may be completed', async () => {
    frames.send({ id: 'never there', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
  });

  for (const [kind, query] of [
    ['subscription', USERS],
    ['query', '{ __typename }'],
  ]) {
    test(`that is a ${kind} with the id of a running one closes the socket with 4409`, async () => {
      const other = await Frames.ready(service.origin);
      other.send(subscribe('same', USERS));
      assert.equal((await other.next()).type, 'next');
      other.send(subscribe('same', query));
      await other.expectClose(4409);
    });
  }

  test('has an id of its own on each socket', async () => {
    const other = await Frames.ready(service.origin);
    for (const one of [frames, other]) {
      one.send(subscribe('mine', USERS));
      assert.equal((await one.next()).type, 'next');
    }
    other.close();
    await addUser('after the other socket was closed');
    assert.deepEqual(names(await frames.next()).at(-1), 'after the other socket was closed');
    frames.send({ id: 'mine', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
  });
});

describe('a live query', () => {
  let frames;
  beforeEach(async () => (frames = await Frames.ready(service.origin)));
  afterEach(() => frames.close());

  test('answers at once, and again after a commit that touched its tables', async () => {
    frames.send(subscribe('live', USERS));
    const first = await frames.next();
    assert.deepEqual(first.payload.data, await service.ask('{ users { username profile { bio } } }'));

    const { createUser } = await addUser('live');
    assert.deepEqual(names(await frames.next()), [...names(first), 'live']);

    // A table further down.
    const user = createUser.id;
    await service.ask('mutation ($user: Int!) { createProfile(input: { bio: "here", user: { id: $user } }) { id } }', {
      user,
    });
    assert.deepEqual((await frames.next()).payload.data.users.at(-1), { username: 'live', profile: { bio: 'here' } });

    // By ON DELETE CASCADE, too.
    await service.ask('mutation ($user: Int!) { deleteUser(id: $user) { id } }', { user });
    assert.deepEqual((await frames.next()).payload, first.payload);
    frames.send({ id: 'live', type: 'complete' });
  });

  test('is silent about other tables, and about what was rolled back', async () => {
    frames.send(subscribe('quiet', USERS));
    const first = await frames.next();
    await addPlace('somewhere');
    await assert.rejects(
      service.ask('mutation { createUser(input: { username: "gone" }) { id } again: createUser(input: { username: "gone" }) { id } }'),
      /UNIQUE_VIOLATION/,
    );
    // Had either brought an answer, it would come before this one.
    await addUser('touched');
    assert.deepEqual(names(await frames.next()), [...names(first), 'touched']);
    frames.send({ id: 'quiet', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
  });

  test('that was completed stays silent while another goes on', async () => {
    for (const id of ['stopped', 'witness']) {
      frames.send(subscribe(id, USERS));
      assert.equal((await frames.next()).id, id);
    }
    frames.send({ id: 'stopped', type: 'complete' });
    await frames.settle();
    for (const name of ['seen by one', 'seen by one again']) {
      await addUser(name);
      const next = await frames.next();
      assert.equal(next.id, 'witness');
      assert.equal(names(next).at(-1), name);
    }
    frames.send({ id: 'witness', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
  });

  test('hears of a mutation by the same socket', async () => {
    frames.send(subscribe('own', 'subscription { userByUsername(username: "own") { username } }'));
    assert.deepEqual((await frames.next()).payload.data, { userByUsername: null });
    frames.send(subscribe('make', 'mutation { createUser(input: { username: "own" }) { username } }'));
    const came = [await frames.next(), await frames.next(), await frames.next()];
    const of = (id) => came.filter((message) => message.id === id);
    assert.deepEqual(
      of('make').map(({ type }) => type),
      ['next', 'complete'],
    );
    assert.deepEqual(of('own')[0].payload.data, { userByUsername: { username: 'own' } });
    frames.send({ id: 'own', type: 'complete' });
    assert.deepEqual(await frames.settle(), []);
  });
});
