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
const pages = here('../../docs/guide/src/clients');

/** Blocks of a page in a language, joined. */
async function code(page, fence) {
  const text = await readFile(join(pages, `${page}.md`), 'utf8');
  const blocks = text.split(`\n\`\`\`${fence}\n`).slice(1);
  return blocks.map((block) => block.split('\n```')[0]).join('\n\n');
}

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

/** Compiles the TypeScript of a page, with the settings of its client, and gives its module. */
async function moduleOf(page, settings) {
  const work = await workFolder('guide');
  works.push(work);
  const address = (text) => text.replaceAll('http://127.0.0.1:8000', service.origin).replaceAll('127.0.0.1:8000', new URL(service.origin).host);
  // A client whose socket stays open would connect again for ever.
  const files = { page: `${address(await code(page, 'ts'))}\nexport { sockets };\n` };
  if (settings) files.crowsfoot = await readFile(here(`settings/${settings}`), 'utf8');
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(work.folder, `${name}.ts`), text);
    const { outputText } = ts.transpileModule(text, { compilerOptions: { module: 'esnext', target: 'es2022' } });
    await writeFile(join(work.folder, `${name}.mjs`), outputText.replace("'./crowsfoot'", "'./crowsfoot.mjs'"));
  }
  assert.equal(await faultsOf(work.folder, ['page.ts']), '', page);
  return import(pathToFileURL(join(work.folder, 'page.mjs')).href);
}

test('every page is known here', async () => {
  const known = ['apollo', 'gql-tada', 'graphql-request', 'other', 'relay', 'urql'];
  assert.deepEqual((await readdir(pages)).map((file) => file.replace('.md', '')).sort(), known);
});

test('Apollo', async () => {
  const { createUser, more, sockets } = await moduleOf('apollo', 'apollo.ts');
  await until(() => assert.equal(printed.pop().users[0].username, 'ada'));
  assert.equal(await createUser('ada'), undefined);
  assert.equal((await createUser('eva')).data.createUser.username, 'eva');
  const { data } = await more('WyJVc2VyIiwidXNlcm5hbWUrLGlkKyIsImJqw7ZybiIsMl0');
  assert.equal(data.usersConnection.edges[0].node.username, 'chloé');
  await until(() => assert.equal(printed.pop().users.at(-1).username, 'eva'));
  await sockets.client.dispose();
});

test('urql', async () => {
  const { page, sockets } = await moduleOf('urql', 'urql.ts');
  await until(() => assert.equal(printed.pop().users[0].username, 'ada'));
  const { data, error } = await page();
  assert.equal(error, undefined, String(error));
  assert.equal(data.usersConnection.edges[0].node.username, 'ada');
  await sockets.dispose();
});

test('graphql-request', async () => {
  const work = await workFolder('preset');
  works.push(work);
  const text = await code('graphql-request', 'ts');
  const requests = text.slice(0, text.indexOf("import { scalars }"));
  await writeFile(join(work.folder, 'page.ts'), requests.replace('http://127.0.0.1:8000', service.origin));
  await writeFile(join(work.folder, 'codegen.ts'), text.slice(requests.length));
  await copyFile(here('settings/apollo.ts'), join(work.folder, 'crowsfoot.ts'));
  assert.equal(await faultsOf(work.folder, ['page.ts', 'codegen.ts']), '');
  const run = (source) => ts.transpileModule(source, { compilerOptions: { module: 'esnext', target: 'es2022' } }).outputText;
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
  await writeFile(join(work.folder, 'tsconfig.json'), await code('gql-tada', 'json config'));
  await promisify(execFile)(here('node_modules/.bin/gql.tada'), ['generate-output'], { cwd: work.folder });
  await writeFile(join(work.folder, 'page.ts'), await code('gql-tada', 'ts'));
  assert.equal(await faultsOf(work.folder, ['page.ts']), '');
  // A field that does not exist is an error.
  const wrong = (await code('gql-tada', 'ts')).replace('profile?.birthdate', 'profile?.birthday');
  await writeFile(join(work.folder, 'wrong.ts'), wrong);
  assert.match(await faultsOf(work.folder, ['wrong.ts']), /birthday/);
});

test('Relay', async () => {
  // The types of relay-runtime are a package of their own; its documents are those of its compiler (`relay/`).
  const work = await workFolder('relay');
  works.push(work);
  const [source] = (await code('relay', 'ts')).split("import { graphql }");
  const text = source.replace('http://127.0.0.1:8000', service.origin).replace(/import \{ (.*) \} from 'relay-runtime';/, "import runtime from 'relay-runtime';\nconst { $1 } = runtime;");
  const { outputText } = ts.transpileModule(text, { compilerOptions: { module: 'esnext', target: 'es2022' } });
  await writeFile(join(work.folder, 'page.mjs'), outputText);
  const { environment } = await import(pathToFileURL(join(work.folder, 'page.mjs')).href);
  const operation = { name: 'One', operationKind: 'query', text: 'query One { user(id: 2) { nodeId username } }', metadata: {} };
  const { data } = await environment.getNetwork().execute(operation, {}, {}).toPromise();
  assert.deepEqual(data, { user: { nodeId: 'WyJVc2VyIiwyXQ', username: 'björn' } });
});
