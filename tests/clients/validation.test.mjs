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

const DOCUMENTS = Number(process.env.DOCUMENTS ?? 1_500);
const SEED = Number(process.env.SEED ?? 1);

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

/** What the service has against it before anything is executed. A live result is not waited for. */
async function told(query, operationName) {
  const stop = new AbortController();
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ query, operationName }),
    signal: stop.signal,
  });
  const isStream = response.headers.get('content-type').startsWith('text/event-stream');
  let text = '';
  if (isStream) {
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      const line = /^data: ?(.+)\n/m.exec(text);
      if (line) {
        text = line[1];
        break;
      }
    }
    stop.abort();
  } else {
    text = await response.text();
  }
  const { errors = [] } = JSON.parse(text);
  for (const error of errors) assert.ok(!error.message.includes('\n'), error.message);
  const codes = ['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED'];
  return errors.filter((error) => codes.includes(error.extensions.code)).map((error) => error.message);
}

for (const [faulty, name] of [
  [0, 'valid documents'],
  [0.005, 'documents with few faults'],
  [0.03, 'documents with many faults'],
]) {
  test(`the verdicts on ${name} are those of graphql-js`, async () => {
    const differing = [];
    const counts = { accepted: 0, refused: 0 };
    for (let at = 0; at < DOCUMENTS; at += 1) {
      const { text, operationName } = document(schema, SEED * 1_000_003 + at, faulty);
      const [theirs, ours] = [expected(text), await told(text, operationName)];
      counts[theirs.length === 0 ? 'accepted' : 'refused'] += 1;
      if ((theirs.length === 0) !== (ours.length === 0)) differing.push({ text, theirs, ours });
      if (differing.length === 5) break;
    }
    assert.deepEqual(differing, []);
    // A generator that makes documents of one kind alone would prove nothing.
    assert.ok(counts.accepted > DOCUMENTS / 20, JSON.stringify(counts));
    assert.ok(faulty === 0 || counts.refused > DOCUMENTS / 20, JSON.stringify(counts));
  });
}
