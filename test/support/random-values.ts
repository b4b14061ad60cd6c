import fc, { type GeneratorValue } from 'fast-check';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  type GraphQLInputField,
  type GraphQLInputType,
} from 'graphql';

/** Words that mean something: ids that there are, names of time zones, cursors. */
export interface Vocabulary {
  readonly texts: readonly string[];
  readonly bigints: readonly string[];
  readonly globalIds: readonly string[];
  readonly cursors: readonly string[];
}

/** Text that something behind the gateway could take for more than text. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  "'",
  '"',
  "' OR 1=1 --",
  "'; DROP TABLE task; --",
  '$1',
  '%s%n',
  '%',
  '_',
  '\\',
  '\\%',
  '{}',
  '[]',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  'toString',
  'a\r\nSet-Cookie: x=1',
  '\u001b[31mred\u001b[0m',
  '{"level":60,"msg":"forged"}\n{"level":60}',
  '\u2028\u2029',
  '\ufeff',
  '\u202e',
  '😀',
  'é',
  'e\u0301',
  'x'.repeat(255),
  'é'.repeat(128),
  'x'.repeat(5000),
];

/** Text that the database cannot hold, or the language cannot write down. */
export const IMPOSSIBLE_TEXTS: readonly string[] = ['\0', 'a\0b', '\ud800', '\udfff', 'a\udc00b'];

const EDGES = [
  '0',
  '1',
  '-1',
  '2147483647',
  '2147483648',
  '-2147483649',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
];

const INSTANTS = [
  '2025-04-01T10:00:00.000Z',
  '2025-04-02T10:00:00.001Z',
  '2025-04-02T23:59:59.999+14:00',
  '2025-03-30T01:00:00Z',
  '1970-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2024-02-29T12:00:00-11:30',
];

const TIME_ZONES = ['UTC', 'Asia/Shanghai', 'America/New_York', 'Europe/Lisbon', 'Asia/Kathmandu'];
const NO_TIME_ZONES = ['', 'Nowhere/Land', 'EST', '+08:00', "UTC'; --", '../etc/passwd'];

/** How deep lists and objects of input may be nested. */
const MAX_INPUT_DEPTH = 3;

/** Makes values of the schema's input types, mostly such as mean something. */
export class RandomValues {
  constructor(
    readonly g: GeneratorValue,
    readonly vocabulary: Vocabulary,
  ) {}

  chance(percent: number): boolean {
    return this.g(fc.integer, { min: 1, max: 100 }) <= percent;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.g(fc.nat, { max: values.length - 1 })]!;
  }

  count(min: number, max: number): number {
    return this.g(fc.integer, { min, max });
  }

  /** A value of a type, as JSON of a request's variables. */
  value(type: GraphQLInputType, name: string, depth = 0): unknown {
    if (isNonNullType(type)) return this.#present(type.ofType, name, depth);
    return this.chance(5) ? null : this.#present(type, name, depth);
  }

  #present(type: GraphQLInputType, name: string, depth: number): unknown {
    if (isListType(type)) {
      const length = depth < MAX_INPUT_DEPTH ? this.count(0, 3) : 0;
      return Array.from({ length }, () => this.value(type.ofType, name, depth + 1));
    }
    if (isInputObjectType(type)) {
      return Object.fromEntries(
        this.fieldsOf(type, depth).map((field) => [
          field.name,
          type.isOneOf
            ? this.#present(field.type, field.name, depth + 1)
            : this.value(field.type, field.name, depth + 1),
        ]),
      );
    }
    if (isEnumType(type)) return this.pick(type.getValues()).name;
    return this.#scalar(getNamedType(type).name, name);
  }

  /** Some fields of an input type, with all that it must have. */
  fieldsOf(
    type: Extract<GraphQLInputType, { getFields(): unknown }>,
    depth: number,
  ): GraphQLInputField[] {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) return [this.pick(fields)];
    const isLeaf = (field: GraphQLInputField) => !isInputObjectType(getNamedType(field.type));
    const usable = fields.filter((field) => depth < MAX_INPUT_DEPTH || isLeaf(field));
    const length = usable.length > 0 ? this.count(0, 2) : 0;
    const wanted = new Set(Array.from({ length }, () => this.pick(usable)));
    return fields.filter((field) => isRequiredInputField(field) || wanted.has(field));
  }

  #scalar(type: string, name: string): unknown {
    const { texts, bigints, globalIds } = this.vocabulary;
    switch (type) {
      case 'Int':
        return this.#int(name);
      case 'Boolean':
        return this.chance(50);
      case 'BigInt':
        return this.pick(this.chance(75) ? bigints : EDGES);
      case 'DateTime':
        return this.pick(INSTANTS);
      case 'ID':
        return this.pick(this.chance(75) ? globalIds : HOSTILE_TEXTS);
      case 'JSON':
        return this.chance(50) ? { 'select-[e000f]': 3, __proto__key: 1 } : this.g(fc.jsonValue);
      case 'String':
        if (name === 'timeZone') return this.pick(this.chance(90) ? TIME_ZONES : NO_TIME_ZONES);
        if (name === 'before' || name === 'after') return this.#cursor();
        if (this.chance(75)) return this.pick(texts);
        return this.chance(75) ? this.pick(HOSTILE_TEXTS) : this.g(fc.string, { unit: 'grapheme' });
      default:
        throw new Error(`There are no random values of ${type}.`);
    }
  }

  #int(name: string): number {
    const isSize = ['first', 'last', 'page', 'pageSize'].includes(name);
    if (isSize && this.chance(85)) return this.count(1, 5);
    if (this.chance(60)) return this.count(0, 12);
    return this.pick([0, -1, 100, 101, 1000, 1001, 2_147_483_647, -2_147_483_648]);
  }

  #cursor(): string {
    return this.pick(this.chance(70) ? this.vocabulary.cursors : HOSTILE_TEXTS);
  }
}
