// The tabs that a first visit opens, made of the types that the visitor sees. A later visit finds the tabs as they were left,
// from the browser's own storage.
import { endpoint } from './endpoint.js';

/** Maximum number of types that are searched for examples. */
const TYPES = 60;
const PLAIN = [{ query: '# Ctrl+Enter runs this, Ctrl+Space completes.\n' }];

const REFERENCE = 'type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }';
const FIELDS = `fields { name args { name ${REFERENCE} } ${REFERENCE} }`;

/** Returns the tabs, or one without a query where the service shows no types. */
export async function examples() {
  if (localStorage.getItem('graphiql:tabState')) return PLAIN;
  try {
    const { query } = await ask(`{ query: __type(name: "Query") { ${FIELDS} } }`);
    const roots = query.fields.filter(isList);
    const names = [...new Set(roots.map((root) => named(root.type).name))].slice(0, TYPES);
    const types = await ask(`{ ${names.map((name, at) => `t${at}: __type(name: "${name}") { name ${FIELDS} }`).join(' ')} }`);
    const tabs = tabsOf(query.fields, new Map(Object.values(types).map((type) => [type.name, type])));
    return tabs.length > 0 ? tabs : PLAIN;
  } catch {
    return PLAIN;
  }
}

async function ask(query) {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await response.json()).data;
}

const named = (type) => (type.ofType ? named(type.ofType) : type);
const nullable = (type) => (type.kind === 'NON_NULL' ? type.ofType : type);
const has = (field, argument) => field.args.some(({ name }) => name === argument);
const isList = ({ type, args }) =>
  nullable(type).kind === 'LIST' && named(type).kind === 'OBJECT' && args.some(({ name }) => name === 'limit');
const title = (name) => name[0].toUpperCase() + name.slice(1);

/** Returns up to `most` columns, those that name a row first. */
function columns(type, most) {
  const isColumn = ({ name, type }) => ['SCALAR', 'ENUM'].includes(nullable(type).kind) && name !== 'nodeId';
  const rank = ({ name, type }) => (/^id$|Id$/.test(name) ? 2 : named(type).name === 'String' ? 0 : 1);
  const found = type.fields.filter(isColumn);
  return found.sort((one, other) => rank(one) - rank(other)).slice(0, most).map(({ name }) => name);
}

function tabsOf(fields, types) {
  const entities = fields.filter((root) => isList(root) && types.has(named(root.type).name)).map((root) => {
    const type = types.get(named(root.type).name);
    const target = (field) => types.get(named(field.type).name);
    const relations = type.fields.filter((field) => target(field) && columns(target(field), 1).length > 0);
    return {
      root,
      type,
      one: relations.filter((field) => nullable(field.type).kind === 'OBJECT' && field.args.length === 0),
      many: relations.filter(isList),
      select: (field, most) => columns(target(field), most).join(' '),
    };
  });
  // The entities with most relations come first, and each has one tab before any has two.
  entities.sort((one, other) => other.one.length + other.many.length - one.one.length - one.many.length);
  const used = new Set();
  const pick = (fits) => {
    const found = entities.find((entity) => !used.has(entity) && fits(entity)) ?? entities.find(fits);
    used.add(found);
    return found;
  };
  return EXAMPLES.flatMap(([fits, write]) => {
    const found = pick((entity) => columns(entity.type, 1).length > 0 && fits(entity, fields));
    return found ? [write(found, fields)] : [];
  });
}

const lookUp = ({ type }, fields) =>
  fields.find(({ args, type: { kind, name } }) => {
    const isNumber = args.length === 1 && ['Int', 'BigInt'].includes(named(args[0].type).name);
    return kind === 'OBJECT' && name === type.name && isNumber;
  });

/** Examples: the entities that each fits, and its tab. */
const EXAMPLES = [
  [
    () => true,
    ({ root, type, one, many, select }) => ({
      query: `# Ctrl+Enter runs this, Ctrl+Space completes.
# At most one statement per relation goes to the
# database, however many rows there are.
query ${title(root.name)} {
  ${root.name}(limit: 10) {
    ${[
      ...columns(type, 3),
      ...one.slice(0, 2).map((field) => `${field.name} { ${select(field, 2)} }`),
      ...many.slice(0, 2).map((field) => `${field.name}(limit: 3) { ${select(field, 2)} }`),
    ].join('\n    ')}
  }
}
`,
    }),
  ],
  [
    ({ root, many }) => many.length > 0 && has(root, 'orderBy'),
    ({ root, type, many: [list], select }) => ({
      query: `# The inner limit counts per row.
query Most${title(list.name)} {
  ${root.name}(orderBy: [{ ${list.name}Count: DESC }], limit: 3) {
    ${columns(type, 2).join('\n    ')}
    ${list.name}(limit: 2) {
      ${select(list, 2)}
    }
  }
}
`,
    }),
  ],
  [
    ({ root, many }) => many.length > 0 && has(root, 'where'),
    ({ root, type, many }) => ({
      query: `# Rows that have at least one of the others. A filter
# over a relation never repeats a row.
query With${title(many.at(-1).name)} {
  ${root.name}(where: { ${many.at(-1).name}: { some: {} } }, limit: 10) {
    ${columns(type, 3).join('\n    ')}
  }
}
`,
    }),
  ],
  [
    ({ root }, fields) => fields.some(({ name }) => name === `${root.name}Connection`),
    ({ root, type }) => ({
      query: `# A page by cursors: the next one is \`after\` this endCursor.
query PageOf${title(root.name)} {
  ${root.name}Connection(first: 5) {
    totalCount
    nodes {
      ${columns(type, 3).join('\n      ')}
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    }),
  ],
  [
    (entity, fields) => lookUp(entity, fields),
    (entity, fields) => {
      const { name, args } = lookUp(entity, fields);
      const [{ name: key, type }] = args;
      const number = named(type).name === 'Int' ? 1 : '1';
      return {
        query: `# The variables are in the pane below.
query ${title(name)}($${key}: ${named(type).name}!) {
  ${name}(${key}: $${key}) {
    ${columns(entity.type, 3).join('\n    ')}
  }
}
`,
        variables: JSON.stringify({ [key]: number }),
      };
    },
  ],
];
