// Sections 2.1 and 2.9 of the specification: strings and numbers in a document mean to the service what they mean to
// graphql-js, and the same as in variables. The service repeats a value that it refuses, which is how it is read here.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parse, valueFromASTUntyped } from 'graphql';
import { random } from './documents.mjs';
import { start } from './service.mjs';

const LITERALS = Number(process.env.LITERALS ?? 500);
const SEED = Number(process.env.SEED ?? 1);

let service;
before(async () => (service = await start()));
after(() => service?.stop());

async function told(query, variables) {
  const response = await fetch(`${service.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { errors } = await response.json();
  const [{ message, locations, extensions }] = errors;
  if (extensions.code === 'GRAPHQL_PARSE_FAILED') {
    assert.match(message, /^expected .+, found .+$/);
    assert.equal(locations.length, 1, message);
    return 'refused';
  }
  // A number that no float can hold.
  if (extensions.code === 'GRAPHQL_VALIDATION_FAILED' && message.includes('out of range')) return Infinity;
  assert.equal(extensions.code, 'BAD_USER_INPUT', message);
  return extensions.value;
}

/** The value of the only argument of the only field. */
function expected(query) {
  try {
    const value = valueFromASTUntyped(parse(query).definitions[0].selectionSet.selections[0].arguments[0].value);
    return typeof value === 'number' && !Number.isFinite(value) ? Infinity : value;
  } catch {
    return 'refused';
  }
}

/** No cursor is shorter, so none of these is one. */
const asCursor = (literal) => `{ usersConnection(after: ${literal}) { totalCount } }`;
const asDate = (literal) => `{ profiles(where: { birthdate: { eq: ${literal} } }) { id } }`;

const pieces = {
  strings: {
    of: (rng, text) => `"${text}"`,
    pieces: [
      'a', 'é', '日', '\u{1f600}', ' ', '\t', '\u0000', '\u001f', '\u007f', '\ufeff', '#', '{', '\\n', '\\"', '\\\\', '\\/',
      '\\b', '\\f', '\\r', '\\t', '\\u00e9', '\\u0000', '\\ud83d\\ude00', '\\ud83d', '\\ude00', '\\ud83d\\u0041', '\\u{1F600}',
      '\\u{e9}', '\\u{0}', '\\u{10ffff}', '\\u{110000}', '\\u{d800}', '\\u{}', '\\u{0000e9}', '\\u{12', '\\u12', '\\u12g4',
      '\\x', '\\', '\n', '\r', '"', '\\U00e9', '\u2028', '\\uD83D\\u{DE00}',
    ],
  },
  'block strings': {
    of: (rng, text) => `"""${text}"""`,
    pieces: [
      'a', 'é', '\u{1f600}', ' ', '  ', '\t', '\n', '\n', '\n  ', '\n    ', '\r', '\r\n', '\n\t', '\\n', '\\u00e9', '\\"""', '"', '""',
      '\\', '\u0000', '#', '\u00a0', '\u2028', '\ufeff', '\n ', '\\"', '"""',
    ],
  },
  numbers: {
    of: (rng, text) => text,
    pieces: ['0', '1', '12', '-', '+', '.', '.5', 'e', 'E', 'e5', 'e+1', 'E-3', '00', '9007199254740993', '5e-324', '1e308', '_', 'x', '0x1', '1e999'],
  },
};

for (const [kind, { of, pieces: choices }] of Object.entries(pieces)) {
  test(`${kind} in arguments mean what they mean to graphql-js`, async () => {
    const rng = random(SEED);
    const counts = { read: 0, refused: 0 };
    for (let at = 0; at < LITERALS; at += 1) {
      const length = 1 + rng.below(kind === 'numbers' ? 3 : 6);
      const text = Array.from({ length }, () => rng.one(choices)).join('');
      const query = kind === 'numbers' ? asDate(text) : asCursor(of(rng, text));
      let theirs = expected(query);
      if (kind === 'numbers' && theirs !== 'refused') theirs = theirs.birthdate.eq;
      // Not one number, but several tokens that happen to be an object.
      if (typeof theirs === 'object' || theirs === undefined) continue;
      if (typeof theirs === 'number') theirs = Number.isFinite(theirs) ? theirs : Infinity;
      const ours = await told(query);
      // As JSON, which the answer is, -0 is 0.
      assert.ok(ours === theirs, JSON.stringify({ query, ours, theirs }));
      counts[ours === 'refused' ? 'refused' : 'read'] += 1;
      if (ours !== 'refused' && kind !== 'numbers') {
        const inVariable = await told('query ($after: String) { usersConnection(after: $after) { totalCount } }', { after: theirs });
        assert.equal(inVariable, theirs, query);
      }
    }
    assert.ok(counts.read > LITERALS / 20 && counts.refused > LITERALS / 50, JSON.stringify(counts));
  });
}

test('a number in a variable may have a fraction of zero where an integer is expected', async () => {
  const query = 'query ($limit: Int) { users(limit: $limit) { id } }';
  const ask = async (limit) => {
    const response = await fetch(`${service.origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: `{"query":${JSON.stringify(query)},"operationName":"","variables":{"limit":${limit}}}`,
    });
    return response.json();
  };
  for (const limit of ['1', '1.0', '1e0', '10e-1', '-0.0']) assert.equal((await ask(limit)).errors, undefined, limit);
  for (const limit of ['1.5', '2147483648.0', '1e300', '"1"', 'true']) {
    assert.equal((await ask(limit)).errors[0].extensions.code, 'BAD_USER_INPUT', limit);
  }
});
