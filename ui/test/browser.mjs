// Opens the page of a running service in Chromium, as a visitor would, and fails on anything that a visitor should not get:
// a request to another origin, a breach of the Content-Security-Policy, an error in the console, no answer to a query.
//
//   node test/browser.mjs http://127.0.0.1:8000 [screenshot.png]
//
// CHROMIUM names the browser where it is not /usr/bin/chromium.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [base, screenshot] = process.argv.slice(2);
assert.ok(base, 'usage: node test/browser.mjs <base URL> [screenshot.png]');
const { origin } = new URL(base);
const timeout = 20_000;

const isPost = (response) => response.request().method() === 'POST';
const isIntrospection = (response) => isPost(response) && response.request().postData().includes('__schema');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
const faults = [];

try {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, colorScheme: 'dark' });
  const page = await context.newPage();
  page.setDefaultTimeout(timeout);

  const requests = [];
  // The context sees the workers' requests too. `data:` stays inside the page.
  context.on('request', (request) => {
    const url = new URL(request.url());
    requests.push(url.href);
    if (url.protocol !== 'data:' && url.origin !== origin) faults.push(`request to another origin: ${url.href}`);
  });
  context.on('requestfailed', (request) => faults.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  context.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()}: ${response.url()}`);
  });
  context.on('console', (message) => {
    // Without its workers the editor goes on with a mere warning.
    const text = message.text();
    if (message.type() === 'error' || /could not create web worker/i.test(text)) faults.push(`console: ${text}`);
  });
  page.on('websocket', (socket) => {
    requests.push(socket.url());
    if (new URL(socket.url()).host !== new URL(origin).host) faults.push(`socket to another host: ${socket.url()}`);
    socket.on('socketerror', (error) => faults.push(`socket: ${error}`));
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`Content-Security-Policy: ${violatedDirective} ${blockedURI}`),
    );
  });

  const introspection = page.waitForResponse(isIntrospection);
  await page.goto(base, { waitUntil: 'load', timeout });
  assert.equal(await page.title(), 'Crowsfoot');
  const { data, errors } = await (await introspection).json();
  assert.ok(data?.__schema, `introspection: ${JSON.stringify(errors)}`);

  const operations = page.locator('.graphiql-query-editor');
  const pane = page.getByRole('region', { name: /^result window$/i });
  // Starts a query and returns the answer, once the pane on the right shows it.
  async function answerTo(start) {
    const response = page.waitForResponse((response) => isPost(response) && !isIntrospection(response));
    await start();
    const body = await (await response).json();
    await pane.getByText('"data"').first().waitFor();
    return body;
  }
  const run = () => page.getByRole('button', { name: /^execute query/i }).click();

  // Each default tab, as it stands: the examples are made of the schema.
  const tabs = page.getByRole('tab');
  await tabs.first().waitFor();
  const names = (await tabs.allInnerTexts()).map((name) => name.trim());
  assert.equal(names.length, 5, `the default tabs: ${names}`);
  for (const [index, name] of names.entries()) {
    await tabs.nth(index).click();
    await operations.locator('.view-line').getByText(name).first().waitFor();
    // GraphiQL reads the operation's name only when the text has been at rest for 100 ms, and shows nothing of it.
    await page.waitForTimeout(1000);
    const { data, errors } = await answerTo(run);
    assert.ok(data && !errors, `${name}: ${JSON.stringify(errors)}`);
  }

  // A query of the visitor's own, typed. The editor adds closing brackets and types over them.
  await page.getByRole('button', { name: /^new tab/i }).click();
  await type(page, 'query Typed { __typename }');
  // The tab takes the operation's name; until then a run would still ask for the last tab's operation.
  await tabs.getByText('Typed', { exact: true }).waitFor();
  const typed = await answerTo(() => page.keyboard.press('Control+Enter'));
  assert.ok(typed.data?.__typename, JSON.stringify(typed));

  // A field that no schema has: the worker that validates must have loaded, and underlines it.
  await type(page, '{ thereIsNoSuchField }');
  await operations.locator('.squiggly-error').first().waitFor();

  // The formatter comes from files that are fetched on first use.
  await type(page, 'query Formatted{users{id}}');
  await page.getByRole('button', { name: /^prettify/i }).click();
  await operations.locator('.view-line').nth(4).waitFor();

  await followLive(page);

  // Back to the first tab, with each of the tools beside the editor opened once.
  await tabs.first().click();
  for (const [tool, text] of [
    ['GraphiQL Explorer', 'users'],
    ['History', names[1]],
    ['Documentation Explorer', 'Root Types'],
  ]) {
    await page.getByRole('button', { name: `Show ${tool}` }).click();
    await page.locator('.graphiql-plugin').getByText(text).first().waitFor();
  }
  await answerTo(run);

  // The model, drawn: a box for each type that is a node, and none without its columns.
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: 'Model' }).click();
  const diagram = await opened;
  diagram.setDefaultTimeout(timeout);
  await diagram.waitForLoadState();
  assert.equal(diagram.url(), new URL('model', base).href);
  const isNode = ({ kind, interfaces }) => kind === 'OBJECT' && interfaces.some(({ name }) => name === 'Node');
  const types = data.__schema.types.filter(isNode).map(({ name }) => name);
  const boxes = diagram.locator('svg .box');
  assert.deepEqual((await boxes.locator('.name').allTextContents()).sort(), types.sort());
  for (const box of await boxes.all()) assert.ok((await box.locator('.type, .nullable').count()) > 0, 'columns');
  // Over a box its lines stand out, and in a dark room the page is dark.
  const user = boxes.filter({ has: diagram.getByText('User', { exact: true }) });
  const strokeOf = (line) => line.evaluate((element) => getComputedStyle(element).stroke);
  const line = diagram.locator('svg .line').filter({ hasText: 'profile' }).first();
  const before = await strokeOf(line);
  await user.hover();
  assert.notEqual(await strokeOf(line), before);
  const dark = await diagram.locator('.page').evaluate((element) => getComputedStyle(element).fill);
  assert.equal(dark, 'rgb(22, 25, 31)');
  if (screenshot) await diagram.screenshot({ path: screenshot.replace(/(\.png)?$/, '-model.png') });
  await diagram.close();

  await readGuide(page, context);

  // No request for half a second. The browser's own idle state never comes if a worker ended while its script was loading.
  for (let count; count !== requests.length; ) {
    count = requests.length;
    await page.waitForTimeout(500);
  }
  if (screenshot) await page.screenshot({ path: screenshot });

  assert.deepEqual(faults, []);
  console.log(`${requests.length} requests, all to ${origin}; no fault`);
} catch (error) {
  // What was seen until then often tells why something never came.
  console.error(faults.join('\n'));
  throw error;
} finally {
  await browser.close();
}

/**
 * Types a query in the place of the editor's text. The editor completes names and closes brackets meanwhile, on a busy machine at
 * times too late: then it is typed again.
 */
async function type(page, query) {
  const editor = page.locator('.graphiql-query-editor .view-lines');
  let text;
  for (let attempt = 0; attempt < 5 && text !== query; attempt += 1) {
    await editor.click();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.type(query, { delay: 20 });
    text = (await editor.innerText()).replace(/\s+/g, ' ').trim();
  }
  assert.equal(text, query);
}

/** A live query: the pane shows its first answer, and each further one when somebody else has changed what it asks for. */
async function followLive(page) {
  await page.getByRole('button', { name: /^new tab/i }).click();
  await type(page, 'subscription Live { users(limit: 1) { username } }');
  await page.getByRole('tab').getByText('Live', { exact: true }).waitFor();
  await page.keyboard.press('Control+Enter');

  const answer = page.getByRole('region', { name: /^result window$/i }).locator('.view-line');
  const shows = (username) => answer.filter({ hasText: `"${username}"` }).waitFor();
  const { users } = await ask('{ users(limit: 1) { id username } }');
  const [{ id, username }] = users;
  await shows(username);
  // The last change leaves everything as it was found.
  for (const changed of [`live-${Date.now()}`, username]) {
    const rename = 'mutation ($id: Int!, $username: String!) { updateUser(id: $id, input: { username: $username }) { id } }';
    await ask(rename, { id, username: changed });
    await shows(changed);
  }
  await page.getByRole('button', { name: /^stop query/i }).click();
  await page.getByRole('button', { name: /^execute query/i }).waitFor();
}

/** The guide, from the link to a page with a drawing and to the next page. */
async function readGuide(page, context) {
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: 'Guide' }).click();
  const guide = await opened;
  guide.setDefaultTimeout(timeout);
  await guide.getByRole('heading', { name: 'First look', level: 1 }).waitFor();
  await guide.getByRole('navigation').getByRole('link', { name: 'One to one' }).click();
  const drawing = guide.getByRole('img').first();
  await drawing.waitFor();
  assert.ok(await drawing.evaluate((image) => image.decode().then(() => image.naturalWidth > 0)), 'the drawing');
  const dark = await guide.locator('body').evaluate((element) => getComputedStyle(element).backgroundColor);
  assert.equal(dark, 'rgb(22, 25, 31)');
  if (screenshot) await guide.screenshot({ path: screenshot.replace(/(\.png)?$/, '-guide.png') });
  await guide.locator('footer').getByRole('link', { name: 'Foreign key' }).click();
  await guide.getByRole('heading', { name: 'Foreign key', level: 1 }).waitFor();
  await guide.close();
}

/** Asks the service without the browser. */
async function ask(query, variables) {
  const response = await fetch(new URL('graphql', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.ok(data && !errors, `${query}: ${JSON.stringify(errors)}`);
  return data;
}
