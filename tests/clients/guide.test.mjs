// The TypeScript of the guide's pages about clients: checked by the compiler, and run against a service.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { codegen } from '@graphql-codegen/core';
import { preset } from '@graphql-codegen/client-preset';
import { parse } from 'graphql';
import ts from 'typescript';
import WebSocket from 'ws';
import { faultsOf, workFolder } from './modules.mjs';
import { start, until } from './service.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const pages = here('../../docs/guide/src');

/** Blocks of a page in a language. */
async function blocks(page, fence) {
  const text = await readFile(join(pages, `${page}.md`), 'utf8');
  return text.split(`\n\`\`\`${fence}\n`).slice(1).map((block) => block.split('\n```')[0]);
}

const code = async (page, fence) => (await blocks(page, fence)).join('\n\n');

let service;
const works = [];
// Results of the live queries, which the pages print.
const printed = [];
const { log } = console;
before(async () => {
  console.log = (value) => printed.push(value);
  globalThis.WebSocket ??= WebSocket;
  service = await start();
});
after(async () => {
  console.log = log;
  await service?.stop();
  for (const work of works) await work.remove();
});

/** The service's address in the place of the guide's. */
const addressed = (text) =>
  text.replaceAll('http://127.0.0.1:8000', service.origin).replaceAll('127.0.0.1:8000', new URL(service.origin).host);

const run = (source, module = 'esnext') =>
  ts.transpileModule(source, { compilerOptions: { module, target: 'es2022', esModuleInterop: true } }).outputText;

/** Checks TypeScript, with the settings of its client, and gives its module in a format that Node loads with its packages. */
async function moduleOf(text, { settings, apollo, format = 'esnext' } = {}) {
  const work = await workFolder('guide', apollo);
  works.push(work);
  const extension = format === 'esnext' ? 'mjs' : 'cjs';
  const files = { page: addressed(text) };
  if (settings) files.crowsfoot = await readFile(here(`settings/${settings}`), 'utf8');
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(work.folder, `${name}.ts`), text);
    const compiled = run(text, format).replace(/(['"])\.\/crowsfoot\1/, `'./crowsfoot.${extension}'`);
    await writeFile(join(work.folder, `${name}.${extension}`), compiled);
  }
  assert.equal(await faultsOf(work.folder, ['page.ts']), '');
  return import(pathToFileURL(join(work.folder, `page.${extension}`)).href);
}

// A client whose socket stays open would connect again for ever.
const withSockets = async (page) => `${await code(page, 'ts')}\nexport { sockets };\n`;

test('every page is known here', async () => {
  const known = ['apollo', 'apollo-3', 'gql-tada', 'graphql-request', 'python', 'relay', 'rust', 'swift-kotlin', 'urql'];
  assert.deepEqual((await readdir(join(pages, 'clients'))).map((file) => file.replace('.md', '')).sort(), known);
});

test('live queries without a cache', async () => {
  const { events, socket, watch } = await moduleOf(`${await code('clients', 'ts')}\nexport { events, socket };\n`);
  for (const client of [events, socket]) {
    const seen = [];
    const watching = watch(client, (names) => seen.push(names));
    await until(() => assert.ok(seen[0].includes('newcomer')));
    await service.ask('mutation { createUser(input: { username: "zed" }) { id } }');
    await until(() => assert.ok(seen.at(-1).includes('zed')));
    await service.ask('mutation { deleteUsers(where: { username: { eq: "zed" } }) { affected } }');
    await client.dispose();
    await watching.catch(() => {});
  }
});

test('Apollo Client 4', async () => {
  const { createUser, more, persisted, sockets } = await moduleOf(await withSockets('clients/apollo'), { settings: 'apollo.ts' });
  await until(() => assert.equal(printed.pop().users[0].username, 'ada'));
  assert.equal(await createUser('ada'), undefined);
  assert.equal((await createUser('eva')).data.createUser.username, 'eva');
  const { data } = await more('WyJVc2VyIiwidXNlcm5hbWUrLGlkKyIsImJqw7ZybiIsMl0');
  assert.equal(data.usersConnection.edges[0].node.username, 'chloé');
  await until(() => assert.equal(printed.pop().users.at(-1).username, 'eva'));
  await sockets.client.dispose();

  // The text of a document is sent once.
  const sent = [];
  const { fetch } = globalThis;
  globalThis.fetch = (address, request) => {
    sent.push('query' in JSON.parse(request.body));
    return fetch(address, request);
  };
  try {
    for (const id of [2, 3]) {
      const { data } = await persisted.query({ query: parse('query User($id: Int!) { user(id: $id) { id } }'), variables: { id } });
      assert.equal(data.user.id, id);
    }
  } finally {
    globalThis.fetch = fetch;
  }
  assert.deepEqual(sent, [false, true, false]);
});

test('Apollo Client 3', async () => {
  // Bundlers read the modules of version 3, and Node alone its CommonJS.
  const settings = { settings: 'apollo.ts', apollo: 'apollo-client-3', format: 'commonjs' };
  const { createUser, more, sockets } = await moduleOf(await withSockets('clients/apollo-3'), settings);
  await until(() => assert.equal(printed.pop().users[0].username, 'ada'));
  assert.deepEqual((await more()).length, 6);
  assert.equal(await createUser('ada'), 'UNIQUE_VIOLATION');
  assert.equal((await createUser('ida')).createUser.username, 'ida');
  await until(() => assert.ok(printed.pop().users.some(({ username }) => username === 'ida')));
  await sockets.client.dispose();
});

test('urql', async () => {
  const { page, sockets } = await moduleOf(await withSockets('clients/urql'), { settings: 'urql.ts' });
  await until(() => assert.equal(printed.pop().users[0].username, 'ada'));
  const { data, error } = await page();
  assert.equal(error, undefined, String(error));
  assert.equal(data.usersConnection.edges[0].node.username, 'ada');
  await sockets.dispose();
});

test('graphql-request', async () => {
  const work = await workFolder('preset');
  works.push(work);
  const text = await code('clients/graphql-request', 'ts');
  const requests = text.slice(0, text.indexOf("import { scalars }"));
  await writeFile(join(work.folder, 'page.ts'), requests.replace('http://127.0.0.1:8000', service.origin));
  await writeFile(join(work.folder, 'codegen.ts'), text.slice(requests.length));
  await copyFile(here('settings/apollo.ts'), join(work.folder, 'crowsfoot.ts'));
  assert.equal(await faultsOf(work.folder, ['page.ts', 'codegen.ts']), '');
  await writeFile(join(work.folder, 'page.mjs'), run(await readFile(join(work.folder, 'page.ts'), 'utf8')));
  const { rename, users } = await import(pathToFileURL(join(work.folder, 'page.mjs')).href);
  assert.deepEqual(await users(), ['ada', 'björn']);
  assert.equal(await rename(1, 'björn'), 'UNIQUE_VIOLATION');

  // The types of a document, by the configuration of the page.
  await writeFile(join(work.folder, 'crowsfoot.mjs'), run(await readFile(join(work.folder, 'crowsfoot.ts'), 'utf8')));
  await writeFile(join(work.folder, 'codegen.mjs'), run(text.slice(requests.length)).replace("'./crowsfoot'", "'./crowsfoot.mjs'"));
  const { config } = await import(pathToFileURL(join(work.folder, 'codegen.mjs')).href);
  const [settings] = Object.values(config.generates);
  const document = 'query Profiles { users { username profile { birthdate } userInfos { phoneNumber } } }';
  await mkdir(join(work.folder, 'gql'));
  const sections = await preset.buildGeneratesSection({
    baseOutputDir: join(work.folder, 'gql/'),
    config: settings.config,
    presetConfig: {},
    schema: parse(await readFile(here('../../schema.graphql'), 'utf8')),
    documents: [{ location: 'page.ts', document: parse(document), rawSDL: document }],
    pluginMap: {},
    plugins: [],
  });
  for (const section of sections) await writeFile(section.filename, await codegen(section));
  const proof = `import type { ProfilesQuery } from './gql/graphql';
    export const read = ({ users }: ProfilesQuery): (string | null)[] => users.map(({ profile }) => profile?.birthdate ?? null);
    // @ts-expect-error: there may be no profile
    export const wrong = ({ users }: ProfilesQuery) => users.map(({ profile }) => profile.birthdate);`;
  await writeFile(join(work.folder, 'proof.ts'), proof);
  assert.equal(await faultsOf(work.folder, ['proof.ts']), '');
});

test('gql.tada', async () => {
  const work = await workFolder('tada');
  works.push(work);
  await copyFile(here('../../schema.graphql'), join(work.folder, 'schema.graphql'));
  await writeFile(join(work.folder, 'tsconfig.json'), await code('clients/gql-tada', 'json config'));
  await promisify(execFile)(here('node_modules/.bin/gql.tada'), ['generate-output'], { cwd: work.folder });
  await writeFile(join(work.folder, 'page.ts'), await code('clients/gql-tada', 'ts'));
  assert.equal(await faultsOf(work.folder, ['page.ts']), '');
  // A field that does not exist is an error.
  const wrong = (await code('clients/gql-tada', 'ts')).replace('profile?.birthdate', 'profile?.birthday');
  await writeFile(join(work.folder, 'wrong.ts'), wrong);
  assert.match(await faultsOf(work.folder, ['wrong.ts']), /birthday/);
});

test('Relay', async () => {
  // Its documents are those of its compiler (`relay/`).
  const text = (await blocks('clients/relay', 'ts')).filter((block) => !block.includes('graphql`')).join('\n\n');
  const { environment, events, subscribe } = await moduleOf(`${text}\nexport { events };\n`, { format: 'commonjs' });
  const operation = { name: 'One', operationKind: 'query', text: 'query One { user(id: 2) { nodeId username } }', metadata: {} };
  const { data } = await environment.getNetwork().execute(operation, {}, {}).toPromise();
  assert.deepEqual(data, { user: { nodeId: 'WyJVc2VyIiwyXQ', username: 'björn' } });
  const seen = [];
  const live = subscribe({ text: 'subscription { user(id: 2) { username } }' }, {}).subscribe({ next: (result) => seen.push(result) });
  await until(() => assert.deepEqual(seen, [{ data: { user: { username: 'björn' } } }]));
  live.unsubscribe();
  events.dispose();
});
