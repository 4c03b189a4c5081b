// Sign-in with the tokens of real providers: `oauth2-mock-server` and `oidc-provider` issue and rotate them, `graphql-ws` brings
// them to sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { exportJWK, generateKeyPair } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import Provider from 'oidc-provider';
import WebSocket from 'ws';
import { start, until, within } from './service.mjs';

const AUDIENCE = 'https://shop.example/';

const ROLES = `
[viewer]
userId = "Int!"

[roles.user.User]
read = "{ id: { eq: $userId } }"
columns = ["id", "username"]
`;

const ADA = { users: [{ id: 1, username: 'ada' }] };

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'crowsfoot-sign-in-'))));
after(() => rm(folder, { recursive: true }));

/** Starts a service that accepts the tokens of these issuers. */
async function serve(...issuers) {
  const tables = issuers.map(
    ({ issuer, keys, algorithms = ['RS256', 'ES256', 'EdDSA'], audience = AUDIENCE }) => `
[[sign_in]]
issuer = "${issuer}"
audience = "${audience}"
algorithms = ${JSON.stringify(algorithms)}
keys = "${keys}"
claims = { role = "/app/role", userId = "/app/user" }
`,
  );
  const file = join(folder, `${Math.random().toString(36).slice(2)}.toml`);
  await writeFile(file, ROLES + tables.join(''));
  return start('--options', file);
}

const post = async (service, token, query = '{ users { id username } }') => {
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, ...(await response.json()) };
};

const accepts = async (service, token) => {
  const { status, data, errors } = await post(service, token);
  assert.deepEqual({ status, data }, { status: 200, data: ADA }, JSON.stringify(errors));
};

const refuses = async (service, token, expected = 401) => {
  const { status, data } = await post(service, token);
  assert.deepEqual({ status, data }, { status: expected, data: undefined });
};

describe('oauth2-mock-server', () => {
  let provider;
  let service;
  const token = (kid, others = {}, expiresIn = 600) =>
    provider.issuer.buildToken({
      kid,
      expiresIn,
      scopesOrTransform: (_, payload) =>
        Object.assign(payload, { aud: AUDIENCE, app: { role: 'user', user: 1 } }, others),
    });

  before(async () => {
    provider = new OAuth2Server();
    for (const [kid, algorithm] of [['rs', 'RS256'], ['es', 'ES256'], ['ed', 'EdDSA']]) {
      await provider.issuer.keys.generate(algorithm, { kid });
    }
    await provider.start(0, '127.0.0.1');
    service = await serve({ issuer: provider.issuer.url, keys: `${provider.issuer.url}/jwks` });
  });
  after(async () => {
    await service?.stop();
    if (provider.listening) await provider.stop();
  });

  for (const kid of ['rs', 'es', 'ed']) {
    test(`a token of the key ${kid}`, async () => accepts(service, await token(kid)));
  }

  test('tokens of another time, audience, issuer or user', async () => {
    const now = Math.floor(Date.now() / 1000);
    await refuses(service, await token('rs', { exp: now - 60 }));
    await refuses(service, await token('rs', { nbf: now + 120 }));
    await refuses(service, await token('rs', { aud: 'https://other.example/' }));
    await refuses(service, await token('rs', { iss: 'https://other.example/' }));
    await refuses(service, await token('rs', { app: { role: 'user' } }));
    await refuses(service, await token('rs', { app: { role: 'root', user: 1 } }), 403);
  });

  test('a socket ends with its token, and the client of graphql-ws comes back with the next one', async () => {
    const expirations = [3, 600];
    const closes = [];
    const client = createClient({
      url: `${service.origin.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: `Bearer ${await token('es', {}, expirations.shift() ?? 600)}` }),
      shouldRetry: () => true,
      retryAttempts: 5,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
      on: { closed: (event) => closes.push(event.code) },
    });
    const query = 'subscription { users { id username } }';
    const first = client.iterate({ query });
    assert.deepEqual((await within(first.next(), 'a result')).value.data, ADA);
    // The operation ends with an error of its own, and then the socket.
    await assert.rejects(within(first.next(), 'the end'), (errors) => {
      assert.equal(errors[0].extensions.code, 'UNAUTHENTICATED');
      return true;
    });
    await until(() => assert.deepEqual(closes, [4403]));
    const second = client.iterate({ query });
    assert.deepEqual((await within(second.next(), 'a result')).value.data, ADA);
    await second.return();
    await client.dispose();
  });

  test('a socket with a bad token is closed', async () => {
    const client = createClient({
      url: `${service.origin.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: 'Bearer x' },
      retryAttempts: 0,
    });
    await assert.rejects(within(client.iterate({ query: '{ users { id } }' }).next(), 'a refusal'), (event) => {
      assert.equal(event.code, 4403);
      return true;
    });
    await client.dispose();
  });

  // Last: the provider goes.
  test('a key that the provider adds, and an outage', async () => {
    await provider.issuer.keys.generate('ES256', { kid: 'new' });
    await accepts(service, await token('new'));
    const late = await token('es', { jti: 'late' });
    await provider.stop();
    await accepts(service, late);
    await refuses(service, `${late.slice(0, -8)}AAAAAAAA`);
  });
});

describe('oidc-provider', () => {
  let server;
  let issuer;
  let service;

  /** Asks for a token as a client with a secret, signed with this algorithm. */
  const token = async (algorithm, resource = AUDIENCE) => {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('app:secret').toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: algorithm, resource }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer.access_token;
  };

  before(async () => {
    const keys = await Promise.all(
      ['RS256', 'ES256', 'EdDSA'].map(async (alg) => {
        const { privateKey } = await generateKeyPair(alg, { extractable: true });
        return { ...(await exportJWK(privateKey)), alg, kid: alg, use: 'sig' };
      }),
    );
    // The issuer's name has the port.
    const { createServer } = await import('node:http');
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
      jwks: { keys },
      cookies: { keys: ['of the tests'] },
      clients: [
        {
          client_id: 'app',
          client_secret: 'secret',
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (context, resource) => ({
            scope: 'RS256 ES256 EdDSA',
            audience: resource,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: context.oidc.params.scope } },
          }),
        },
      },
      extraTokenClaims: () => ({ app: { role: 'user', user: 1 } }),
    });
    server.on('request', provider.callback());
    service = await serve({ issuer, keys: `${issuer}/jwks` });
  });
  after(async () => {
    await service?.stop();
    server.close();
  });

  for (const algorithm of ['RS256', 'ES256', 'EdDSA']) {
    test(`an access token that is signed with ${algorithm}`, async () => accepts(service, await token(algorithm)));
  }

  test('an access token for another resource', async () => {
    await refuses(service, await token('RS256', 'https://other.example/'));
  });

  test('two providers of one service, and neither vouches for the other', async () => {
    const other = new OAuth2Server();
    await other.issuer.keys.generate('ES256', { kid: 'ES256' });
    await other.start(0, '127.0.0.1');
    const both = await serve(
      { issuer, keys: `${issuer}/jwks` },
      { issuer: other.issuer.url, keys: `${other.issuer.url}/jwks` },
    );
    try {
      const of = (claims) =>
        other.issuer.buildToken({
          kid: 'ES256',
          scopesOrTransform: (_, payload) =>
            Object.assign(payload, { aud: AUDIENCE, app: { role: 'user', user: 1 } }, claims),
        });
      await accepts(both, await token('EdDSA'));
      await accepts(both, await of({}));
      await refuses(both, await of({ iss: issuer }));
    } finally {
      await both.stop();
      await other.stop();
    }
  });
});
