import {
  getNamedType,
  getNullableType,
  isAbstractType,
  Kind,
  valueFromASTUntyped,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type TypeNode,
  type ValueNode,
} from 'graphql';
import type { FieldCost } from './declare.ts';

/** Points for a field at the root, which sends a statement of its own at least. */
const STATEMENT = 10;

/** Points for a question about the schema, whatever it asks: its size has limits of its own. */
const INTROSPECTION = 100;

/** The value of an argument: what is written, or that of a variable. */
export type Given = { readonly value: unknown } | { readonly variable: string };

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
  readonly cost: FieldCost & { readonly price: number };
  /** What says the size of its page, the first that is given. */
  readonly sizes: readonly Given[];
  readonly order?: Given | undefined;
  /** What is asked of what it leads to: one for each type that this can be. */
  readonly inside: readonly Selection[];
}

/** A fragment that costs something. */
export interface PricedFragment {
  readonly when: readonly Condition[];
  readonly fragment: Selection;
}

/** What of a selection costs something. A fragment is one and the same wherever it is spread. */
export type Selection = readonly (PricedField | PricedFragment)[];

/** What is known of an operation's cost before its variables are. */
export interface Program {
  readonly selection: Selection;
  /** The defaults of its variables, where they have one. */
  readonly defaults: ReadonlyMap<string, unknown>;
  /** Whether variables matter. */
  readonly varies: boolean;
}

const EMPTY: Selection = [];

/** @returns undefined where it is never met. */
function readConditions(
  directives: readonly DirectiveNode[] | undefined,
): readonly Condition[] | undefined {
  const conditions: Condition[] = [];
  for (const { name, arguments: args } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const is = name.value === 'include';
    const value = args?.find((arg) => arg.name.value === 'if')?.value;
    if (value?.kind === Kind.VARIABLE) conditions.push({ variable: value.name.value, is });
    else if (value?.kind === Kind.BOOLEAN && value.value !== is) return undefined;
  }
  return conditions;
}

function readGiven(value: ValueNode): Given {
  return value.kind === Kind.VARIABLE
    ? { variable: value.name.value }
    : { value: valueFromASTUntyped(value) };
}

/** Finds out what a document's operation costs, as far as that does not depend on variables. */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Program {
  const root = schema.getRootType(operation.operation)!;
  const node = schema.getType('Node') as GraphQLInterfaceType;
  /** What has a global id: the rows of the database. */
  const rows = new Set<GraphQLType>([node, ...schema.getPossibleTypes(node)]);
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
      fragment = isOf(type, typeCondition) ? readSelection(selectionSet, type) : EMPTY;
      fragments.set(key, fragment);
    }
    return fragment;
  };

  const costOf = (
    type: GraphQLObjectType,
    { type: fieldType, extensions }: GraphQLField<unknown, unknown>,
  ) => {
    const cost = (extensions.cost ?? {}) as FieldCost;
    const price = cost.price ?? (rows.has(getNullableType(fieldType)) ? 1 : 0);
    return { ...cost, price: type === root ? price + STATEMENT : price };
  };

  const readField = (
    node: FieldNode,
    type: GraphQLObjectType,
    when: readonly Condition[],
  ): PricedField | undefined => {
    const name = (node.alias ?? node.name).value;
    if (node.name.value.startsWith('__')) {
      return node.name.value === '__typename'
        ? undefined
        : { when, name, cost: { price: INTROSPECTION }, sizes: [], inside: [] };
    }
    const field = type.getFields()[node.name.value]!;
    const cost = costOf(type, field);
    const { price, share = 0, page, items } = cost;
    const named = getNamedType(field.type);
    const types = isAbstractType(named)
      ? schema.getPossibleTypes(named)
      : [named as GraphQLObjectType];
    const { selectionSet } = node;
    const inside = selectionSet ? types.map((one) => readSelection(selectionSet, one)) : [];
    const isFree = price === 0 && share === 0 && !page && typeof items !== 'string';
    if (isFree && inside.every(({ length }) => length === 0)) return undefined;
    const given = (argument: string | undefined) => {
      const found = node.arguments?.find((one) => one.name.value === argument);
      const read = found && readGiven(found.value);
      if (read && 'variable' in read) varies = true;
      return read;
    };
    const sizes = (page?.from ?? []).map(given).filter((one) => one !== undefined);
    return { when, name, cost, sizes, order: given(page?.order), inside };
  };

  const readOne = (
    node: SelectionNode,
    type: GraphQLObjectType,
  ): PricedField | PricedFragment | undefined => {
    const when = readConditions(node.directives);
    if (!when) return undefined;
    if (when.length > 0) varies = true;
    if (node.kind === Kind.FIELD) return readField(node, type, when);
    const fragment =
      node.kind === Kind.FRAGMENT_SPREAD
        ? readFragment(node.name.value, type)
        : isOf(type, node.typeCondition)
          ? readSelection(node.selectionSet, type)
          : EMPTY;
    return fragment.length > 0 ? { when, fragment } : undefined;
  };

  const readSelection = ({ selections }: SelectionSetNode, type: GraphQLObjectType): Selection =>
    selections.map((node) => readOne(node, type)).filter((part) => part !== undefined);

  const selection = readSelection(operation.selectionSet, root);
  const defaults = new Map(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
  return { selection, defaults, varies };
}
