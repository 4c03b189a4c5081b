// The program that CROWSFOOT_BIN names, as a service on a free port with a database of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** The longest wait for anything: so much more than it needs that a wait that meets it failed. */
export const PATIENCE = 30_000;

/** Waits, but not for ever. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it within ${PATIENCE} ms: ${what}`)), PATIENCE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Tries again and again until it succeeds, but not for ever. */
export async function until(attempt, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Starts a service and waits for the line that says its address. */
export const start = (...settings) => startOn(() => {}, ...settings);

/** Starts a service on a database whose file `prepare` may write before. */
export async function startOn(prepare, ...settings) {
  const program = process.env.CROWSFOOT_BIN;
  if (!program) throw new Error('CROWSFOOT_BIN must name the program');
  const folder = await mkdtemp(join(tmpdir(), 'crowsfoot-clients-'));
  prepare(join(folder, 'crowsfoot.db'));
  // A file rather than a pipe: a full pipe would stop the program while nobody reads.
  const log = await open(join(folder, 'log.txt'), 'w');
  const child = spawn(
    resolve(program),
    ['--database-url', `sqlite://${folder}/crowsfoot.db?mode=rwc`, '--listen', '127.0.0.1:0', ...settings],
    { cwd: folder, env: environment(), stdio: ['ignore', 'pipe', log.fd] },
  );
  const ended = once(child, 'exit');
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);

  const service = {
    origin: undefined,
    log: () => readFile(join(folder, 'log.txt'), 'utf8'),
    /** Posts a document and gives the answer, which must have no errors. */
    async ask(query, variables) {
      const response = await fetch(`${service.origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      const { data, errors } = await response.json();
      if (errors) throw new Error(`${query}: ${JSON.stringify(errors)}`);
      return data;
    },
    /** Tells it to stop, as a machine that shuts down would, and gives its exit code. */
    async stop() {
      child.kill('SIGTERM');
      try {
        const [code] = await within(ended, 'the end of the service');
        return code;
      } finally {
        endWithUs();
        process.removeListener('exit', endWithUs);
        await log.close();
        await rm(folder, { recursive: true });
      }
    },
  };

  const greeting = once(createInterface(child.stdout), 'line').then(([line]) => line);
  const line = await within(Promise.race([greeting, ended]), 'an address');
  service.origin = /http:\/\/[^ /]+/.exec(line)?.[0];
  if (!service.origin) {
    const text = await service.log();
    await service.stop();
    throw new Error(`the service gave no address, but "${line}"\n${text}`);
  }
  return service;
}

/** The settings of whoever runs the tests are not the tests'. */
function environment() {
  const isSetting = (name) => name === 'DATABASE_URL' || name.startsWith('CROWSFOOT_');
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)));
}
