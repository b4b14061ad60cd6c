import {
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isInterfaceType,
  isUnionType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';

/** Values for the arguments of a schema's fields, as GraphQL text, by the names of the arguments. */
export type ArgumentValues = Readonly<Record<string, string>>;

const isRequired = ({ type, defaultValue }: GraphQLArgument) =>
  isNonNullType(type) && defaultValue === undefined;

function enumList(type: GraphQLInputType): string | undefined {
  const named = getNamedType(type);
  if (!isEnumType(named)) return undefined;
  const value = named.getValues()[0]!.name;
  return isListType(isNonNullType(type) ? type.ofType : type) ? `[${value}]` : value;
}

/**
 * Writes operations that ask for everything a schema has to give: each field of each type below the root at least once.
 */
export class OperationWriter {
  /** The fields asked for so far, as `Type.field`. */
  readonly covered = new Set<string>();
  readonly #expanded = new Set<string>();

  constructor(
    readonly schema: GraphQLSchema,
    readonly left: ReadonlySet<string>,
  ) {}

  /** One field with all that is below it. */
  field(parent: string, field: GraphQLField<unknown, unknown>, values: ArgumentValues, depth = 0) {
    this.covered.add(`${parent}.${field.name}`);
    const given = field.args.flatMap((argument) => {
      const value =
        values[argument.name] ?? (isRequired(argument) ? enumList(argument.type) : undefined);
      if (value !== undefined) return [`${argument.name}: ${value}`];
      if (!isRequired(argument)) return [];
      throw new Error(`${parent}.${field.name}: give the argument ${argument.name} a value here.`);
    });
    const args = given.length > 0 ? `(${given.join(', ')})` : '';
    return `${field.name}${args}${this.#selection(field.type, values, depth)}`;
  }

  #selection(output: GraphQLOutputType, values: ArgumentValues, depth: number): string {
    const type = getNamedType(output);
    if (isInterfaceType(type) || isUnionType(type)) {
      const parts = this.schema
        .getPossibleTypes(type)
        .map((one) => `... on ${one.name} ${this.#fields(one, values, depth)}`);
      return ` { __typename ${parts.join(' ')} }`;
    }
    return isObjectType(type) ? ` ${this.#fields(type, values, depth)}` : '';
  }

  #fields(output: GraphQLOutputType, values: ArgumentValues, depth: number): string {
    const type = getNamedType(output);
    if (!isObjectType(type)) throw new Error(`${String(output)} has no fields.`);
    // A type is opened wholly once; elsewhere only as far as the first levels go.
    const isKnown = this.#expanded.has(type.name);
    this.#expanded.add(type.name);
    const fields = Object.values(type.getFields()).flatMap((field) => {
      if (this.left.has(field.name)) return [];
      const isLeaf = this.#selectionOfLeaf(field.type);
      if (!isLeaf && isKnown && depth > 3) return [];
      // Aliases: fragments on several types may give the same name other arguments or nullability.
      const text = this.field(type.name, field, values, depth + 1);
      return [`${type.name}_${text.replace(/^(\w+)/, '$1: $1')}`];
    });
    return `{ __typename ${fields.join(' ')} }`;
  }

  #selectionOfLeaf(output: GraphQLOutputType): boolean {
    const type = getNamedType(output);
    return !isObjectType(type) && !isInterfaceType(type) && !isUnionType(type);
  }

  /** The fields of the types below the root that nobody has asked for. */
  uncovered(): string[] {
    return Object.values(this.schema.getTypeMap()).flatMap((type) =>
      isObjectType(type) && this.#expanded.has(type.name)
        ? Object.keys(type.getFields())
            .filter((name) => !this.left.has(name))
            .map((name) => `${type.name}.${name}`)
            .filter((name) => !this.covered.has(name))
        : [],
    );
  }
}
