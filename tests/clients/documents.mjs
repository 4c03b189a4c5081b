// Random documents over a schema: valid ones, and such as break a rule of section 5 of the specification here and there.
import {
  GraphQLNonNull,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';

/** Random numbers that are the same for a seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    chance: (probability) => next() < probability,
    below: (limit) => Math.floor(next() * limit),
    one: (items) => items[Math.floor(next() * items.length)],
  };
}

const SCALARS = {
  Int: ['1', '0', '-2', '2147483647'],
  Float: ['1', '1.5', '-2e3'],
  String: ['"a"', '""', '"""b"""'],
  Boolean: ['true', 'false'],
  ID: ['"a"', '5'],
};
const LITERALS = ['1', '1.0', '2147483648', '-1e3', '"a"', '"""b"""', 'true', 'null', 'ASC', '[]', '{}', '[1]', '{ a: 1 }', '[null]', '123456789012'];

/** A document, and the name of one of its operations. Each choice is a fault with the probability `faulty`. */
export function document(schema, seed, faulty) {
  return new Generator(schema, random(seed), faulty).document();
}

class Generator {
  constructor(schema, random, faulty) {
    Object.assign(this, { schema, random, faulty });
    this.types = Object.values(schema.getTypeMap());
    this.fragments = [];
    this.budget = 40;
    this.aliases = 0;
  }

  fault() {
    return this.random.chance(this.faulty);
  }

  document() {
    const { random } = this;
    const count = random.chance(0.85) ? 1 : 2;
    const names = [];
    const operations = Array.from({ length: count }, (_, place) => {
      const kind = random.one(['query', 'query', 'query', 'mutation', 'subscription']);
      const isAnonymous = count === 1 ? random.chance(0.3) : this.fault();
      const name = isAnonymous ? undefined : this.fault() ? 'A' : `A${place}`;
      if (name) names.push(name);
      return this.operation(kind, name);
    });
    const definitions = [...operations, ...this.fragments.map((fragment) => fragment.text)];
    if (this.fault()) definitions.push(`fragment Unused on ${random.one(this.types).name} { __typename }`);
    if (this.fault()) definitions.push(random.one(definitions));
    if (this.fault()) definitions.push('type A { b: Int }');
    return { text: definitions.join('\n'), operationName: names[0] };
  }

  operation(kind, name) {
    const { random, schema } = this;
    this.variables = new Map();
    const root = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[kind];
    const set = this.selectionSet(root, 0, kind === 'subscription' && !this.fault() ? 1 : undefined);
    const definitions = [...this.variables].map(([variable, { type, initial }]) => {
      const stated = this.fault() ? random.one(['Int', 'String', 'User', 'UserFilter', 'UserOrder', 'Nothing', '[Int!]']) : type;
      return `$${variable}: ${stated}${initial === undefined ? '' : ` = ${initial}`}${this.directives('VARIABLE_DEFINITION')}`;
    });
    if (this.fault()) definitions.pop();
    if (this.fault()) definitions.push('$unused: Int');
    if (this.fault() && definitions.length > 0) definitions.push(random.one(definitions));
    if (kind === 'query' && !name && definitions.length === 0 && random.chance(0.5)) return set;
    const head = [kind, name].filter(Boolean).join(' ');
    return `${head}${definitions.length > 0 ? ` (${definitions.join(', ')})` : ''}${this.directives(kind.toUpperCase())} ${set}`;
  }

  selectionSet(parent, depth, exactly) {
    const { random } = this;
    const count = exactly ?? 1 + random.below(depth === 0 ? 3 : 4);
    const selections = Array.from({ length: count }, () => this.selection(parent, depth, exactly !== undefined));
    return `{ ${selections.join(' ')} }`;
  }

  selection(parent, depth, isOnlyField) {
    const { random } = this;
    if (depth > 0 && depth < 5 && !isOnlyField && random.chance(0.2)) return this.fragment(parent, depth);
    if (isOnlyField && random.chance(0.2)) return this.fragment(parent, 1, true);
    return this.field(parent, depth);
  }

  fragment(parent, depth, isOnlyField) {
    const { random, schema } = this;
    const related = isAbstractType(parent)
      ? [...schema.getPossibleTypes(parent), parent]
      : [parent, ...parent.getInterfaces()];
    let on = this.fault() ? random.one(this.types) : random.one(related);
    const inside = isCompositeType(on) ? on : parent;
    const body = () => this.selectionSet(inside, depth + 1, isOnlyField ? 1 : undefined);
    const condition = this.fault() ? 'Nothing' : on.name;
    if (random.chance(0.6)) {
      return random.chance(0.2)
        ? `...${this.directives('INLINE_FRAGMENT', parent)} ${this.selectionSet(parent, depth + 1, isOnlyField ? 1 : undefined)}`
        : `... on ${condition}${this.directives('INLINE_FRAGMENT', parent)} ${body()}`;
    }
    // Only within one operation: a variable is declared where it is first used.
    const known = this.fragments.filter((fragment) => fragment.variables === this.variables && related.includes(fragment.on));
    if (known.length > 0 && random.chance(0.4)) return `...${random.one(known).name}${this.directives('FRAGMENT_SPREAD', parent)}`;
    if (this.fault()) return '...Missing';
    const name = `F${this.fragments.length}`;
    const entry = { name, on: undefined, variables: this.variables, text: '' };
    this.fragments.push(entry);
    const spread = this.fault() ? ` ...${name}` : '';
    entry.text = `fragment ${name} on ${condition}${this.directives('FRAGMENT_DEFINITION')} ${body().replace(/ }$/, `${spread} }`)}`;
    entry.on = on;
    return `...${name}${this.directives('FRAGMENT_SPREAD', parent)}`;
  }

  field(parent, depth) {
    const { random } = this;
    this.budget -= 1;
    const all = isObjectType(parent) || parent.getFields ? Object.values(parent.getFields()) : [];
    const leaves = all.filter((field) => isLeafType(getNamedType(field.type)));
    const candidates = depth > 4 || this.budget < 0 ? leaves : all;
    if (this.fault()) return this.strange();
    if (candidates.length === 0 || random.chance(0.05)) {
      if (parent !== this.schema.getSubscriptionType() || this.fault()) return this.typename();
    }
    if (parent === this.schema.getQueryType() && random.chance(0.05)) return this.introspection();
    const field = random.one(candidates.length > 0 ? candidates : all);
    const named = getNamedType(field.type);
    const args = this.args(field.args);
    const isNew = isCompositeType(named) || random.chance(0.5);
    const alias = random.chance(this.faulty * 4) ? `${random.one(['a', 'b', 'id'])}: ` : isNew ? `x${this.aliases++}: ` : '';
    let below = isCompositeType(named) ? ` ${this.selectionSet(named, depth + 1)}` : '';
    if (this.fault()) below = below ? '' : ' { __typename }';
    return `${alias}${field.name}${args}${this.directives('FIELD', parent)}${below}`;
  }

  /** A field that no type has. */
  strange() {
    return this.random.one(['nothing', 'nothing { id }', 'nothing(a: 1)', '__schema { description }', '__nothing', 'id: __typename']);
  }

  typename() {
    const strange = this.fault() ? this.random.one(['(a: 1)', ' { a }', ' @nothing', '(a: $undefined)', ' @skip', ' @include(if: 1)']) : '';
    return `__typename${strange}${this.directives('FIELD')}`;
  }

  introspection() {
    const { random } = this;
    const alias = `x${this.aliases++}: `;
    if (random.chance(0.3)) return `${alias}__schema { description queryType { name } }`;
    const [name] = this.schema.getDirective('specifiedBy').args;
    return `${alias}__type${this.args([{ ...name, name: 'name' }])} { name fields(includeDeprecated: true) { name } }`;
  }

  args(definitions) {
    const { random } = this;
    const given = [];
    for (const definition of definitions) {
      const isRequired = isRequiredArgument({ ...definition });
      if (isRequired ? this.fault() : !random.chance(0.25)) continue;
      given.push(`${this.fault() ? 'nothing' : definition.name}: ${this.value(definition, 'argument')}`);
    }
    if (this.fault()) given.push('nothing: 1');
    if (this.fault() && given.length > 0) given.push(random.one(given));
    return given.length > 0 ? `(${given.join(', ')})` : '';
  }

  /** A value for an argument or an input field. */
  value(definition, place, depth = 0) {
    const { random } = this;
    const { type } = definition;
    if (this.fault()) return random.one(LITERALS);
    if (random.chance(0.2)) return this.variable(type, place);
    return this.literal(type, depth);
  }

  variable(type, place) {
    const { random } = this;
    const name = `v${this.variables.size}`;
    if (this.variables.size > 0 && this.fault()) return `$${random.one([...this.variables.keys()])}`;
    let stated = type.toString();
    let initial;
    const choice = random.below(5);
    if (choice === 0 && !stated.endsWith('!')) stated += '!';
    else if (choice === 1 && stated.endsWith('!') && place === 'argument') {
      stated = stated.slice(0, -1);
      initial = this.constant(type);
    } else if (choice === 2 && !stated.endsWith('!')) initial = this.fault() ? random.one(LITERALS) : 'null';
    if (place === 'oneOf' && !stated.endsWith('!') && !this.fault()) stated += '!';
    if (this.fault()) stated = stated.replace('!', '');
    this.variables.set(name, { type: stated, initial });
    return `$${name}`;
  }

  /** A literal without variables. */
  constant(type) {
    const { variables } = this;
    const text = this.literal(type, 3);
    return text.includes('$') ? ((this.variables = variables), 'null') : text;
  }

  literal(type, depth) {
    const { random } = this;
    if (isNonNullType(type)) return this.fault() ? 'null' : this.present(type.ofType, depth);
    return random.chance(0.03) ? 'null' : this.present(type, depth);
  }

  /** A literal that is not null. */
  present(type, depth) {
    const { random } = this;
    if (isListType(type)) {
      if (random.chance(0.2)) return this.present(getNullableType(type.ofType), depth);
      const items = Array.from({ length: random.below(3) }, () => this.value({ type: type.ofType }, 'item', depth + 1));
      return `[${items.join(', ')}]`;
    }
    if (isEnumType(type)) {
      const name = random.one(type.getValues()).name;
      return this.fault() ? `"${name}"` : name;
    }
    if (!isInputObjectType(type)) return random.one(SCALARS[type.name] ?? ['"a"', '1', '2.5', 'true', 'A', '{ a: [1] }', '[]']);
    return this.object(type, depth);
  }

  object(type, depth) {
    const { random } = this;
    const all = Object.values(type.getFields());
    const entry = (field, place) => `${field.name}: ${this.value(field, place, depth + 1)}`;
    if (type.isOneOf) {
      const length = this.fault() ? 2 * random.below(2) : 1;
      const leaves = all.filter((field) => isLeafType(getNamedType(field.type)));
      const few = depth > 3 && leaves.length > 0 ? leaves : all;
      const required = (field) => ({ ...field, type: this.fault() ? field.type : new GraphQLNonNull(field.type) });
      const given = Array.from({ length }, () => entry(required(random.one(few)), 'oneOf'));
      return `{ ${given.join(', ')} }`;
    }
    const given = all
      .filter((field) => (isRequiredInputField(field) ? !this.fault() : depth < 4 && random.chance(2 / (all.length + depth * 4))))
      .map((field) => entry(field, 'field'));
    if (this.fault()) given.push('nothing: 1');
    if (this.fault() && given.length > 0) given.push(random.one(given));
    return given.length > 0 ? `{ ${given.join(', ')} }` : '{}';
  }

  /** The root field of a subscription may not be conditional (section 5.2.4.1), which graphql-js 16 does not know yet. */
  directives(location, parent) {
    const { random } = this;
    const given = [];
    const isRoot = parent === this.schema.getSubscriptionType();
    const isAllowed = ['FIELD', 'INLINE_FRAGMENT', 'FRAGMENT_SPREAD'].includes(location);
    if (!isRoot && (isAllowed ? random.chance(0.04) : this.fault())) {
      const condition = getNullableType(this.schema.getDirective('skip').args[0].type);
      given.push(`@${random.one(['skip', 'include'])}${this.fault() ? '' : `(if: ${this.fault() ? '$undefined' : location === 'VARIABLE_DEFINITION' ? 'true' : this.present(condition, 0)})`}`);
    }
    if (this.fault()) given.push(random.one(['@nothing', '@deprecated', '@skip(if: true) @skip(if: false)', '@skip(if: null)', '@include(if: true, unless: 1)']));
    return given.map((directive) => ` ${directive}`).join('');
  }
}
