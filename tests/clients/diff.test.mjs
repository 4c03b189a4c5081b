// `crowsfoot schema --diff` against graphql-js: random edits of the schema are breaking, dangerous or safe alike.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { buildASTSchema, buildSchema, findBreakingChanges, findDangerousChanges, Kind, parse, parseType, print, visit } from 'graphql';

const text = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8');
const current = buildSchema(text);
const SEED = Number(process.env.SEED ?? 1);
const EDITS = Number(process.env.EDITS ?? 25);

let folder;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'crowsfoot-diff-'))));
after(() => rm(folder, { recursive: true }));

/** Compares an old schema with the program's own. */
async function changes(old) {
  const file = join(folder, 'old.graphql');
  await writeFile(file, old);
  const isSetting = (name) => name === 'DATABASE_URL' || name.startsWith('CROWSFOOT_');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isSetting(name)));
  const ended = spawnSync(resolve(process.env.CROWSFOOT_BIN), ['schema', '--diff', file], { cwd: folder, env, encoding: 'utf8' });
  const lines = ended.stdout.split('\n').filter(Boolean).map((line) => line.split(/ +/));
  const of = (effect) => lines.filter(([word]) => word === effect).map(([, kind]) => kind).sort();
  return { breaking: of('breaking'), dangerous: of('dangerous'), code: ended.status, log: ended.stderr };
}

/** Numbers from 0 to below `end`, equal for equal seeds. */
function numbers(seed) {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

const other = (type) => (type.kind === Kind.NON_NULL_TYPE ? type.type : { kind: Kind.NON_NULL_TYPE, type });
const named = (value) => ({ kind: Kind.NAME, value });
const listed = (type) => parseType(`[${print(type)}]`);

/** Edits of a node, each of which gives another node, or null to remove it. */
const edits = {
  [Kind.FIELD_DEFINITION]: [
    () => null,
    (field) => ({ ...field, type: other(field.type) }),
    (field) => ({ ...field, type: listed(field.type) }),
    (field) => ({ ...field, name: named(`${field.name.value}Once`) }),
    (field) => ({ ...field, arguments: field.arguments.slice(1) }),
    (field) => ({ ...field, arguments: [...field.arguments, parseArgument('once: Int')] }),
    (field) => ({ ...field, arguments: [...field.arguments, parseArgument('once: Int = 3')] }),
  ],
  [Kind.INPUT_VALUE_DEFINITION]: [
    () => null,
    (input) => ({ ...input, type: other(input.type) }),
    (input) => ({ ...input, type: listed(input.type) }),
    (input) => ({ ...input, name: named(`${input.name.value}Once`) }),
  ],
  [Kind.ENUM_VALUE_DEFINITION]: [() => null, (value) => ({ ...value, name: named(`${value.name.value}_ONCE`) })],
  [Kind.OBJECT_TYPE_DEFINITION]: [
    (type) => ({ ...type, interfaces: [] }),
    (type) => ({ kind: Kind.SCALAR_TYPE_DEFINITION, name: type.name }),
  ],
};

function parseArgument(argument) {
  return parse(`type T { f(${argument}): Int }`).definitions[0].fields[0].arguments[0];
}

/** The schema's text with some random edits. */
function edited(random) {
  let document = parse(text);
  for (let count = 1 + random(4); count > 0; count -= 1) {
    const kinds = Object.keys(edits);
    const kind = kinds[random(kinds.length)];
    let number = 0;
    visit(document, { [kind]: () => void (number += 1) });
    let place = random(number);
    document = visit(document, {
      [kind]: (node) => {
        place -= 1;
        return place === -1 ? edits[kind][random(edits[kind].length)](node) : undefined;
      },
    });
  }
  return print(document);
}

test('an unchanged schema has no changes', async () => {
  assert.deepEqual(await changes(text), { breaking: [], dangerous: [], code: 0, log: '' });
});

test('random edits are judged as graphql-js judges them', async () => {
  for (let seed = SEED; seed < SEED + EDITS; seed += 1) {
    const old = edited(numbers(seed * 7919));
    const before = buildASTSchema(parse(old), { assumeValid: true, assumeValidSDL: true });
    const types = (found) => found.map((change) => change.type).sort();
    const breaking = types(findBreakingChanges(before, current));
    const told = await changes(old);
    assert.deepEqual(told.breaking, breaking, `seed ${seed}: ${told.log}`);
    assert.deepEqual(told.dangerous, types(findDangerousChanges(before, current)), `seed ${seed}`);
    assert.equal(told.code, breaking.length > 0 ? 1 : 0, `seed ${seed}`);
  }
});
