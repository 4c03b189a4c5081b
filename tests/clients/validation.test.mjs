// Section 5 of the specification: the service refuses the documents that graphql-js refuses, and no others.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { buildSchema, parse, specifiedRules, validate } from 'graphql';
import { document } from './documents.mjs';
import { start } from './service.mjs';

const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
/** Introspection is bounded by a limit of the service's own, which is no rule of validation. */
const rules = specifiedRules.filter((rule) => rule.name !== 'MaxIntrospectionDepthRule');

const DOCUMENTS = Number(process.env.DOCUMENTS ?? 300);
const SEED = Number(process.env.SEED ?? 1);
const SIDE_BY_SIDE = 10;

let service;
before(async () => (service = await start()));
after(() => service?.stop());

/** What graphql-js has against a document. */
function expected(text) {
  try {
    return validate(schema, parse(text), rules).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}

/** What the service has against it before anything is executed. */
async function told(query, operationName) {
  let answer = await ask('application/json', query, operationName);
  // What would be a stream is asked for as one.
  if (answer.errors?.[0].extensions.code === 'BAD_REQUEST') answer = await ask('text/event-stream', query, operationName);
  const { errors = [] } = answer;
  for (const error of errors) assert.ok(!error.message.includes('\n'), error.message);
  const codes = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];
  return errors.filter((error) => codes.includes(error.extensions.code)).map((error) => error.message);
}

/** The answer, or the first one of a stream. */
async function ask(accept, query, operationName) {
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, operationName }),
  });
  if (!response.headers.get('content-type').startsWith('text/event-stream')) return response.json();
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    const line = /^data: ?(.+)\n/m.exec(text);
    // Returning ends the stream.
    if (line) return JSON.parse(line[1]);
  }
  throw new Error(`a stream without a result: ${text}`);
}

for (const [faulty, name] of [
  [0, 'valid documents'],
  [0.005, 'documents with few faults'],
  [0.03, 'documents with many faults'],
]) {
  test(`the verdicts on ${name} are those of graphql-js`, async () => {
    const differing = [];
    const counts = { accepted: 0, refused: 0 };
    const compare = async (seed) => {
      const { text, operationName } = document(schema, seed, faulty);
      const [theirs, ours] = [expected(text), await told(text, operationName)];
      counts[theirs.length === 0 ? 'accepted' : 'refused'] += 1;
      if ((theirs.length === 0) !== (ours.length === 0)) differing.push({ text, theirs, ours });
    };
    for (let at = 0; at < DOCUMENTS && differing.length < 5; at += SIDE_BY_SIDE) {
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, place) => compare(SEED * 1_000_003 + at + place)));
    }
    assert.deepEqual(differing, []);
    // A generator that makes documents of one kind alone would prove nothing.
    assert.ok(counts.accepted > DOCUMENTS / 20, JSON.stringify(counts));
    assert.ok(faulty === 0 || counts.refused > DOCUMENTS / 20, JSON.stringify(counts));
  });
}
