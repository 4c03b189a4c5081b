// Opens GraphiQL of the example with two tenants in Chromium: without a token nothing is shown, and with one in the header editor
// the schema, answers and live results are those of the token's tenant.
//
//   CROWSFOOT_BIN=… node test/tenants.mjs ../examples/tenants [screenshot.png]
//
// CHROMIUM names the browser where it is not /usr/bin/chromium.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { startOn } from '../../tests/clients/service.mjs';

const [example, screenshot] = process.argv.slice(2);
assert.ok(example, 'usage: node test/tenants.mjs <folder of the example> [screenshot.png]');
const options = resolve(example, 'crowsfoot.toml');
const secret = /^secret = "(.*)"$/m.exec(await readFile(options, 'utf8'))[1];

/** Returns a token of the example's issuer for this user. */
function token(userId) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 600;
  const claims = { iss: 'https://id.example', aud: 'documents', exp, role: 'user', userId };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const prepare = (file) => execFileSync('sqlite3', [file], { input: `.read ${join(resolve(example), 'schema.sql')}\n` });
const service = await startOn(prepare, '--from-database', '--options', options);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

try {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));

  const isIntrospection = (response) => response.request().postData()?.includes('__schema');
  const introspected = () => page.waitForResponse((response) => isIntrospection(response));
  const refused = introspected();
  await page.goto(service.origin, { waitUntil: 'load' });
  assert.equal((await refused).status(), 401, 'nothing is shown without a token');

  const result = page.getByRole('region', { name: /^result window$/i });
  /** Replaces the text of an editor. */
  async function write(editor, text) {
    await editor.locator('.view-lines:visible').first().click();
    await page.keyboard.press('Control+A');
    // Pasted in one piece: the editor completes what is typed.
    await page.keyboard.insertText(text);
  }
  /** Signs in as a user by the header editor, and reads the schema again. */
  async function signIn(userId) {
    await page.getByRole('button', { name: /^headers$/i }).click();
    await write(page.locator('.graphiql-editor-tool'), JSON.stringify({ Authorization: `Bearer ${token(userId)}` }));
    await page.waitForTimeout(500);
    const answer = introspected();
    await page.getByRole('button', { name: /re-fetch/i }).click();
    const { data } = await (await answer).json();
    assert.ok(data.__schema.types.some(({ name }) => name === 'Organisation'));
  }
  async function run(name, query) {
    await page.getByRole('button', { name: /^new tab/i }).click();
    await write(page.locator('.graphiql-query-editor'), query);
    await page.getByRole('tab').getByText(name, { exact: true }).waitFor();
    // GraphiQL reads the operation's name only when the text has been at rest for 100 ms, and shows nothing of it.
    await page.waitForTimeout(1000);
  }
  const shows = (text) => result.locator('.view-line').filter({ hasText: text }).first().waitFor();
  const execute = () => page.getByRole('button', { name: /^execute query/i }).click();

  for (const [userId, own, other] of [
    [10, 'Red', 'Blue'],
    [20, 'Blue', 'Red'],
  ]) {
    await run(`Own${own}`, `query Own${own} { organisations { name documents { title author { userId } } } }`);
    await signIn(userId);
    await execute();
    await shows(`"${own}"`);
    assert.ok(!(await result.innerText()).includes(`"${other}"`), `${userId} sees ${other}`);

    // A live query: its socket signs in with the same header.
    await run(`Live${own}`, `subscription Live${own} { documents { title organisation { name } } }`);
    await signIn(userId);
    await execute();
    await shows(`"${own}"`);
    const title = `by ${userId}`;
    const change = await fetch(new URL('graphql', service.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token(userId)}` },
      body: JSON.stringify({
        query: `mutation { updateDocuments(where: {}, all: true, input: { title: "${title}" }) { affected } }`,
      }),
    });
    assert.ok((await change.json()).data.updateDocuments.affected > 0);
    await shows(`"${title}"`);
    assert.ok(!(await result.innerText()).includes(`"${other}"`), `${userId} sees ${other}`);
    if (screenshot) await page.screenshot({ path: screenshot.replace(/(\.png)?$/, `-${own}.png`) });
    await page.getByRole('button', { name: /^stop query/i }).click();
  }
  assert.deepEqual(faults, []);
  console.log('each tenant sees its own organisation; no fault');
} catch (error) {
  console.error(await service.log());
  throw error;
} finally {
  await browser.close();
  await service.stop();
}
