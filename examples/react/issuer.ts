import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';

/** Accounts, which have no passwords here. */
const ACCOUNTS: Record<string, { role: string; userId: number }> = {
  ada: { role: 'member', userId: 1 },
  chloé: { role: 'staff', userId: 3 },
};

const options = readFileSync(new URL('crowsfoot.toml', import.meta.url), 'utf8');
const [, secret = ''] = /^secret = "(.*)"$/m.exec(options) ?? [];

/** Returns a JSON Web Token, as `[sign_in]` of the options accepts it. */
function tokenOf(account: { role: string; userId: number }): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const claims = { iss: 'https://id.example', aud: 'crowsfoot', exp, ...account };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function signIn(request: IncomingMessage, response: ServerResponse) {
  const name = new URL(request.url ?? '', 'http://localhost').searchParams.get('name') ?? '';
  const account = ACCOUNTS[name];
  response.statusCode = request.method === 'POST' && account ? 200 : 401;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(account ? { name, role: account.role, token: tokenOf(account) } : {}));
}

/** Issuer of tokens beside the page: a real application has a server, or a provider, in its place. */
export const issuer: Plugin = {
  name: 'issuer',
  configureServer: ({ middlewares }) => void middlewares.use('/sign-in', signIn),
  configurePreviewServer: ({ middlewares }) => void middlewares.use('/sign-in', signIn),
};
