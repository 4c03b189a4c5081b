// Time from the start of a process to its first correct answer, over live databases of PostgreSQL, beside PostGraphile 5:
//
//   npm install --prefix DIR postgraphile@5        # needs Node.js 22, which also runs this file
//   node benches/first-answer.mjs --crowsfoot target/release/crowsfoot --postgraphile DIR
//
// The databases are generated: each table references the first one twice, an earlier one, and itself; every tenth is a junction.
// `psql` creates them on the server of --postgres (postgres://postgres@127.0.0.1:5432), and drops them again.

import { execFileSync, spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    crowsfoot: { type: 'string', default: 'target/release/crowsfoot' },
    postgraphile: { type: 'string' },
    postgres: { type: 'string', default: 'postgres://postgres@127.0.0.1:5432' },
    runs: { type: 'string', default: '5' },
    tables: { type: 'string', default: '11,68,139' },
  },
});

const word = (number) => String.fromCharCode(97 + number / 26, 97 + (number % 26)) + '_thing';

function tables(count) {
  const statements = [];
  for (let number = 0; number < count; number++) {
    const table = word(number);
    if (number % 10 === 9) {
      statements.push(`CREATE TABLE ${table} (one_id integer NOT NULL REFERENCES ${word(number - 3)} (id),
        other_id integer NOT NULL REFERENCES ${word(number - 7)} (id), PRIMARY KEY (one_id, other_id))`);
      continue;
    }
    const first = word(0);
    const keys = number === 0 ? '' : `, owner_id integer REFERENCES ${first} (id), editor_id integer NOT NULL REFERENCES ${first} (id),
      earlier_id integer REFERENCES ${word(Math.floor(number / 20) * 10)} (id)`;
    statements.push(`CREATE TABLE ${table} (id integer PRIMARY KEY, name varchar(80) NOT NULL UNIQUE, price decimal(10, 2),
      count integer NOT NULL DEFAULT 0, parent_id integer REFERENCES ${table} (id)${keys})`);
  }
  statements.push(`INSERT INTO ${word(0)} (id, name) VALUES (1, 'a'), (2, 'b')`, 'ANALYZE');
  return statements.join(';\n');
}

const psql = (database, sql) =>
  execFileSync('psql', ['--quiet', '--no-psqlrc', '-v', 'ON_ERROR_STOP=1', `${options.postgres}/${database}`], { input: `SET client_min_messages = warning; ${sql}` });

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Milliseconds from the start of the program to the first answer with both names.
async function first(server, database, port) {
  const [program, ...args] = server.command(`${options.postgres}/${database}`, port);
  const begin = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...server.env } });
  let log = '';
  child.stderr.on('data', (text) => (log += text));
  try {
    while (performance.now() - begin < 60_000) {
      if (child.exitCode !== null) break;
      try {
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ query: server.query }),
        });
        const text = await response.text();
        if (text === server.answer) return performance.now() - begin;
        throw new Error(`${server.name}: ${text}`);
      } catch (error) {
        if (error.message !== 'fetch failed') throw error;
        await pause(2);
      }
    }
    throw new Error(`${server.name} gives no answer: ${log}`);
  } finally {
    child.kill('SIGKILL');
    await new Promise((done) => (child.exitCode === null && child.signalCode === null ? child.once('exit', done) : done()));
  }
}

const servers = [
  {
    name: 'Crowsfoot',
    command: (url, port) => [options.crowsfoot, 'serve', '--from-database', '--database-url', url,
      '--listen', `127.0.0.1:${port}`, '--mode', 'production', '--public'],
    query: '{ aaThings(orderBy: { name: ASC }) { name } }',
    answer: '{"data":{"aaThings":[{"name":"a"},{"name":"b"}]}}',
  },
  {
    name: 'PostGraphile',
    command: (url, port) => [process.execPath, `${options.postgraphile}/node_modules/postgraphile/dist/cli-run.js`,
      '--preset', 'postgraphile/presets/amber', '--connection', url, '--schema', 'public', '--port', String(port), '--host', '127.0.0.1'],
    env: { NODE_ENV: 'production', GRAPHILE_ENV: 'production' },
    query: '{ allAaThings(orderBy: [NAME_ASC]) { nodes { name } } }',
    answer: '{"data":{"allAaThings":{"nodes":[{"name":"a"},{"name":"b"}]}}}',
  },
];

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
let port = 18400;
console.log('| tables | Crowsfoot | PostGraphile | ratio |\n| --- | --- | --- | --- |');
for (const count of options.tables.split(',').map(Number)) {
  const database = `crowsfoot_first_${count}`;
  psql('postgres', `DROP DATABASE IF EXISTS ${database}`);
  psql('postgres', `CREATE DATABASE ${database}`);
  psql(database, tables(count));
  const times = servers.map(() => []);
  for (let run = 0; run < Number(options.runs); run++) {
    for (const [place, server] of servers.entries()) times[place].push(await first(server, database, port++));
  }
  psql('postgres', `DROP DATABASE ${database} WITH (FORCE)`);
  const [own, other] = times.map(median);
  console.log(`| ${count} | ${(own / 1000).toFixed(2)} s | ${(other / 1000).toFixed(2)} s | ${(other / own).toFixed(1)} |`);
}
