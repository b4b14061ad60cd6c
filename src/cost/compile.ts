import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type TypeNode,
  type ValueNode,
} from 'graphql';
import type { FieldCost, PageSize } from './declare.ts';

/** Points for a field at the root, which sends a statement of its own at least. */
const STATEMENT = 10;

/** What a question about the schema costs, whatever it asks: its size has limits of its own. */
const INTROSPECTION = { price: 100 };

/** What an argument is given: something that is written down, by its size, or what a variable is. */
export type Given = { readonly size: unknown } | { readonly variable: string };

/** What a filter is given: as it is written down, variables in it included. */
export interface GivenFilter {
  readonly value: ValueNode;
  readonly type: GraphQLInputObjectType;
  readonly within: Given | undefined;
}

/** What a directive makes depend on a variable. */
export interface Condition {
  readonly variable: string;
  readonly is: boolean;
}

/** A field that costs something, or has something in it that does. */
export interface PricedField {
  readonly when: readonly Condition[];
  /** Its name in the answer. */
  readonly name: string;
  readonly cost: Priced;
  /** What says the size of its page, the first that is given. */
  readonly sizes: readonly Given[];
  readonly order?: Given | undefined;
  readonly wholes?: readonly Given[];
  readonly filter?: GivenFilter | undefined;
  /** What is asked of what it leads to: one for each type that this can be. */
  readonly inside: readonly Selection[];
}

/** A fragment that costs something. */
export interface PricedFragment {
  readonly when: readonly Condition[];
  readonly fragment: Selection;
}

/** What is asked of an object. */
export interface Selection {
  /** What of it costs something. A fragment is one and the same wherever it is spread. */
  readonly parts: readonly (PricedField | PricedFragment)[];
  /** About how many characters all else has in the answer, fragments that cost nothing included. */
  readonly width: number;
}

/** What is known of an operation's cost before its variables are. */
export interface Program {
  readonly selection: Selection;
  /** The defaults of its variables, where they have one. */
  readonly defaults: ReadonlyMap<string, unknown>;
  /** Whether variables matter. */
  readonly varies: boolean;
}

/** Shared, as documents can be kept by the thousand. */
const NONE: readonly never[] = [];
const NOTHING: Selection = { parts: NONE, width: 0 };

/** Characters of a value, roughly: most are numbers and names, and JSON has several of both. */
const VALUE_WIDTH = 16;
const JSON_WIDTH = 300;

type Priced = FieldCost & { readonly price: number };

/** What fields cost, found out once. */
const prices = new WeakMap<GraphQLField<unknown, unknown>, Priced>();

function priceOf(
  schema: GraphQLSchema,
  field: GraphQLField<unknown, unknown>,
  isAtRoot: boolean,
): Priced {
  let priced = prices.get(field);
  if (!priced) {
    const cost = (field.extensions.cost ?? {}) as FieldCost;
    const price = cost.price ?? (isRow(schema, getNullableType(field.type)) ? 1 : 0);
    priced = { ...cost, price: isAtRoot ? price + STATEMENT : price };
    prices.set(field, priced);
  }
  return priced;
}

/** Whether something is a row of the database, which has a global id. */
function isRow(schema: GraphQLSchema, type: GraphQLOutputType): boolean {
  const node = schema.getType('Node') as GraphQLInterfaceType;
  return type === node || (isObjectType(type) && schema.isSubType(node, type));
}

/** @returns undefined where it is never met. */
function readConditions(
  directives: readonly DirectiveNode[] | undefined,
): readonly Condition[] | undefined {
  if (!directives?.length) return NONE;
  const conditions: Condition[] = [];
  for (const { name, arguments: args } of directives) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const is = name.value === 'include';
    const value = args?.find((arg) => arg.name.value === 'if')?.value;
    if (value?.kind === Kind.VARIABLE) conditions.push({ variable: value.name.value, is });
    else if (value?.kind === Kind.BOOLEAN && value.value !== is) return undefined;
  }
  return conditions;
}

/**
 * What says how much something is: a number itself, a list by its length; what is given alone stands for a list of one.
 * @returns undefined for what is not given.
 */
export function sizeOf(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' ? 1 : value;
}

function readGiven(value: ValueNode): Given {
  return value.kind === Kind.VARIABLE
    ? { variable: value.name.value }
    : { size: sizeOf(valueFromASTUntyped(value)) };
}

function hasVariable(value: ValueNode): boolean {
  if (value.kind === Kind.LIST) return value.values.some(hasVariable);
  if (value.kind === Kind.OBJECT) return value.fields.some(({ value }) => hasVariable(value));
  return value.kind === Kind.VARIABLE;
}

/** Finds out what a document's operation costs, as far as that does not depend on variables. */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Program {
  const root = schema.getRootType(operation.operation)!;
  const definitions = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      definitions.set(definition.name.value, definition);
    }
  }
  /** Those that are read already, by their names and the types they are read for. */
  const fragments = new Map<string, Selection>();
  let varies = false;

  const isOf = (type: GraphQLObjectType, condition: TypeNode | undefined) => {
    if (condition?.kind !== Kind.NAMED_TYPE || condition.name.value === type.name) return true;
    const named = schema.getType(condition.name.value);
    return isAbstractType(named) && schema.isSubType(named, type);
  };

  const readFragment = (name: string, type: GraphQLObjectType): Selection => {
    const key = `${name} ${type.name}`;
    let fragment = fragments.get(key);
    if (!fragment) {
      const { typeCondition, selectionSet } = definitions.get(name)!;
      fragment = isOf(type, typeCondition) ? readSelection(selectionSet, type) : NOTHING;
      fragments.set(key, fragment);
    }
    return fragment;
  };

  /** @returns the width of a field that costs nothing. */
  const readField = (
    node: FieldNode,
    type: GraphQLObjectType,
    when: readonly Condition[],
  ): PricedField | number => {
    const name = (node.alias ?? node.name).value;
    if (node.name.value.startsWith('__')) {
      return node.name.value === '__typename'
        ? name.length + VALUE_WIDTH
        : { when, name, cost: INTROSPECTION, sizes: NONE, inside: NONE };
    }
    const field = type.getFields()[node.name.value]!;
    const cost = priceOf(schema, field, type === root);
    const { price, share = 0, page, items } = cost;
    const named = getNamedType(field.type);
    const types = isAbstractType(named)
      ? schema.getPossibleTypes(named)
      : [named as GraphQLObjectType];
    const { selectionSet } = node;
    const inside = selectionSet ? types.map((one) => readSelection(selectionSet, one)) : NONE;
    const isFree = price === 0 && share === 0 && !page && typeof items !== 'string';
    if (isFree && inside.every(({ parts }) => parts.length === 0)) {
      const value = named.name === 'JSON' ? JSON_WIDTH : VALUE_WIDTH;
      const width = selectionSet ? Math.max(...inside.map(({ width }) => width)) : value;
      return name.length + width * (items ?? 1);
    }
    const given = (argument: string | undefined) => {
      const found = node.arguments?.find((one) => one.name.value === argument);
      const read = found && readGiven(found.value);
      if (read && 'variable' in read) varies = true;
      return read;
    };
    const allGiven = (size: PageSize | undefined) =>
      size ? size.from.map(given).filter((one) => one !== undefined) : NONE;
    const readFilter = (): GivenFilter | undefined => {
      const value = node.arguments?.find((one) => one.name.value === 'filter')?.value;
      if (!cost.filter || !value) return undefined;
      varies ||= hasVariable(value);
      const type = field.args.find((one) => one.name === 'filter')!.type as GraphQLInputObjectType;
      return { value, type, within: given(cost.filter.within) };
    };
    return {
      when,
      name,
      cost,
      sizes: allGiven(page),
      order: given(page?.order),
      wholes: allGiven(cost.wholes),
      filter: readFilter(),
      inside,
    };
  };

  const readOne = (
    node: SelectionNode,
    type: GraphQLObjectType,
  ): PricedField | PricedFragment | number => {
    const when = readConditions(node.directives);
    if (!when) return 0;
    if (when.length > 0) varies = true;
    if (node.kind === Kind.FIELD) return readField(node, type, when);
    const fragment =
      node.kind === Kind.FRAGMENT_SPREAD
        ? readFragment(node.name.value, type)
        : isOf(type, node.typeCondition)
          ? readSelection(node.selectionSet, type)
          : NOTHING;
    return fragment.parts.length > 0 ? { when, fragment } : fragment.width;
  };

  const readSelection = ({ selections }: SelectionSetNode, type: GraphQLObjectType): Selection => {
    const parts: (PricedField | PricedFragment)[] = [];
    let width = 0;
    for (const node of selections) {
      const part = readOne(node, type);
      if (typeof part === 'number') width += part;
      else parts.push(part);
    }
    return { parts, width };
  };

  const selection = readSelection(operation.selectionSet, root);
  const defaults = new Map(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
  return { selection, defaults, varies };
}
