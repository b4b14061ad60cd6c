import fc, { type GeneratorValue } from 'fast-check';
import {
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isNullableType,
  isRequiredArgument,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { RandomValues, type Vocabulary } from './random-values.ts';

/** An operation with what belongs to it, as it goes into a request. */
export interface RandomOperation {
  readonly query: string;
  readonly operationName: string;
  readonly variables: Record<string, unknown>;
}

/** Which operations are wanted. */
export interface OperationOptions {
  /** Whether a field may be asked for. */
  readonly mayAsk?: (type: Composite, field: GraphQLField<unknown, unknown>) => boolean;
  /** Whether answers may come in parts. */
  readonly inParts?: boolean;
}

type Composite = GraphQLObjectType | GraphQLInterfaceType;

/** Names that objects have already. */
const HOSTILE_VARIABLES = ['constructor', 'toString', 'hasOwnProperty', 'toJSON', 'length'];
const HOSTILE_KEYS = [...HOSTILE_VARIABLES, '__proto__'];

const MAX_DEPTH = 5;
/** More fields than this in one operation only take time. */
const MAX_FIELDS = 25;

/** What a value of a type is in the language. */
function literalOf(type: GraphQLInputType, value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (isNonNullType(type)) return literalOf(type.ofType, value);
  if (isListType(type)) {
    if (!Array.isArray(value)) return literalOf(type.ofType, value);
    return `[${value.map((item) => literalOf(type.ofType, item)).join(', ')}]`;
  }
  if (isEnumType(type)) return value as string;
  if (isInputObjectType(type)) {
    const fields = type.getFields();
    const members = Object.entries(value).map(
      ([name, item]) => `${name}: ${literalOf(fields[name]!.type, item)}`,
    );
    return `{${members.join(', ')}}`;
  }
  return JSON.stringify(value);
}

class Writer {
  readonly #definitions: string[] = [];
  readonly #fragments: { type: Composite; isCertain: boolean; name: string; text: string }[] = [];
  readonly #hostileVariables = [...HOSTILE_VARIABLES];
  readonly #hostileKeys = [...HOSTILE_KEYS];
  readonly variables: Record<string, unknown> = {};
  readonly #values: RandomValues;
  #names = 0;
  #fields = 0;

  constructor(
    readonly schema: GraphQLSchema,
    readonly g: GeneratorValue,
    vocabulary: Vocabulary,
    readonly options: OperationOptions,
  ) {
    this.#values = new RandomValues(g, vocabulary);
  }

  operation(root: GraphQLObjectType, kind: 'query' | 'mutation'): RandomOperation {
    const selection = this.#selection(root, 0);
    const definitions = this.#definitions.length > 0 ? `(${this.#definitions.join(', ')})` : '';
    const texts = [`${kind} Asked${definitions} ${selection}`];
    texts.push(...this.#fragments.map(({ text }) => text));
    if (this.#values.chance(20))
      texts.splice(this.#values.count(0, 1), 0, 'query Other { __typename }');
    const { variables } = this;
    return { query: texts.join('\n'), operationName: 'Asked', variables };
  }

  /** A name that was not there yet; perhaps, each once, one of those that objects have. */
  #fresh(prefix: string, hostile: string[] = []): string {
    return (this.#values.chance(5) && hostile.pop()) || `${prefix}${this.#names++}`;
  }

  /** Declares a variable of a type, and perhaps gives it a value. */
  #variable(type: GraphQLInputType, name: string): string {
    const values = this.#values;
    const variable = this.#fresh('v', this.#hostileVariables);
    const byDefault = values.value(type, name);
    const hasDefault = !this.#holdsJson(type) && values.chance(40);
    this.#definitions.push(
      `$${variable}: ${String(type)}${hasDefault ? ` = ${literalOf(type, byDefault)}` : ''}`,
    );
    const mayBeAbsent = hasDefault || isNullableType(type);
    if (!mayBeAbsent || values.chance(70)) {
      Object.defineProperty(this.variables, variable, {
        value: values.value(type, name),
        enumerable: true,
      });
    }
    return `$${variable}`;
  }

  /** The language has no words for an object whose keys are no names. */
  #holdsJson(type: GraphQLInputType): boolean {
    const named = getNamedType(type);
    return (
      named.name === 'JSON' ||
      ['TaskInput', 'AnnotationHistoryInput', 'EntityInput'].includes(named.name)
    );
  }

  /** A value where an argument or a field of input wants one: written down, or a variable, or both in turn. */
  #input(type: GraphQLInputType, name: string, depth = 0): string {
    const values = this.#values;
    if (this.#holdsJson(type) || values.chance(25)) return this.#variable(type, name);
    const present = isNonNullType(type) ? type.ofType : type;
    if (isInputObjectType(present)) {
      const members = values
        .fieldsOf(present, depth)
        .map((field) => `${field.name}: ${this.#input(field.type, field.name, depth + 1)}`);
      return `{${members.join(', ')}}`;
    }
    return literalOf(type, values.value(type, name, depth));
  }

  #arguments(args: readonly GraphQLArgument[]): string {
    const chosen = args.filter((arg) => isRequiredArgument(arg) || this.#values.chance(20));
    if (chosen.length === 0) return '';
    return `(${chosen.map((arg) => `${arg.name}: ${this.#input(arg.type, arg.name)}`).join(', ')})`;
  }

  /** @param name where two of a kind may not stand in one answer without a label. */
  #directives(name?: 'defer' | 'stream'): string {
    const values = this.#values;
    const condition = () =>
      values.chance(50)
        ? this.#variable(this.schema.getDirective('skip')!.args[0]!.type, 'if')
        : String(values.chance(70));
    let text = '';
    if (values.chance(6)) text += ` @skip(if: ${condition()})`;
    if (values.chance(6)) text += ` @include(if: ${condition()})`;
    if (this.options.inParts === false) return text;
    if (name === 'defer' && values.chance(15)) text += ` @defer(label: "${this.#fresh('l')}")`;
    if (name === 'stream' && values.chance(10)) {
      text += ` @stream(initialCount: ${values.count(0, 2)}, label: "${this.#fresh('l')}")`;
    }
    return text;
  }

  /** @param isCertain whether what stands here is of this very type, so that names cannot clash. */
  #field(field: GraphQLField<unknown, unknown>, depth: number, isCertain: boolean): string {
    this.#fields++;
    const values = this.#values;
    const args = this.#arguments(field.args);
    const needsName = args !== '' || !isCertain || values.chance(10);
    const alias = needsName ? `${this.#fresh('f', this.#hostileKeys)}: ` : '';
    const named = getNamedType(field.type);
    const present = isNonNullType(field.type) ? field.type.ofType : field.type;
    const directives = this.#directives(isListType(present) && needsName ? 'stream' : undefined);
    const selection = isLeafType(named) ? '' : ` ${this.#selection(named as Composite, depth + 1)}`;
    return `${alias}${field.name}${args}${directives}${selection}`;
  }

  #selection(type: Composite, depth: number, isCertain = true): string {
    const values = this.#values;
    const selections: string[] = [];
    const { mayAsk = () => true } = this.options;
    const fields = Object.values(type.getFields()).filter((field) => mayAsk(type, field));
    const isSpent = () => depth >= MAX_DEPTH || this.#fields > MAX_FIELDS;
    for (let left = values.count(1, 4); left > 0; left--) {
      const usable = isSpent()
        ? fields.filter(({ type }) => isLeafType(getNamedType(type)))
        : fields;
      if (usable.length === 0 || values.chance(8)) selections.push('__typename');
      else if (depth > 0 && !isSpent() && values.chance(12))
        selections.push(this.#fragment(type, depth, isCertain));
      else selections.push(this.#field(values.pick(usable), depth, isCertain));
    }
    if (isAbstractType(type) && !isSpent()) {
      const possible = values.pick(this.schema.getPossibleTypes(type));
      selections.push(`... on ${possible.name} ${this.#selection(possible, depth + 1, false)}`);
    }
    return `{ ${selections.join(' ')} }`;
  }

  /** A fragment of a type, inline, or named and perhaps spread once more. */
  #fragment(type: Composite, depth: number, isCertain: boolean): string {
    const values = this.#values;
    const known = this.#fragments.filter(
      (fragment) => fragment.type === type && fragment.isCertain === isCertain,
    );
    if (known.length > 0 && values.chance(50)) {
      return `...${values.pick(known).name}${this.#directives()}`;
    }
    const directives = this.#directives('defer');
    const selection = this.#selection(type, depth + 1, isCertain);
    if (values.chance(40))
      return `...${values.chance(50) ? ` on ${type.name}` : ''}${directives} ${selection}`;
    const name = this.#fresh('Part');
    const text = `fragment ${name} on ${type.name} ${selection}`;
    this.#fragments.push({ type, isCertain, name, text });
    return `...${name}${directives}`;
  }
}

/** Any operation that is right by the schema, what its values mean aside. */
export function randomOperation(
  schema: GraphQLSchema,
  g: GeneratorValue,
  vocabulary: Vocabulary,
  options: OperationOptions = {},
): RandomOperation {
  const mutation = options.mayAsk ? undefined : schema.getMutationType();
  const isMutation = mutation && g(fc.integer, { min: 1, max: 20 }) === 1;
  const root = isMutation ? mutation : schema.getQueryType()!;
  return new Writer(schema, g, vocabulary, options).operation(
    root,
    isMutation ? 'mutation' : 'query',
  );
}
