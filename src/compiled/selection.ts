import {
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isAbstractType,
  Kind,
  typeFromAST,
  visit,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';
import { Left } from './left.ts';

/** An operation, with values for the variables that leave out and put in its fields. */
export interface Selecting {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** A field of an answer: its key there, and every place of the operation that asks for it. */
export interface Selected {
  readonly key: string;
  readonly name: string;
  readonly nodes: readonly FieldNode[];
}

const PARTS: ReadonlySet<string> = new Set(['defer', 'stream']);

function isIncluded(node: SelectionNode, conditions: Selecting['conditions']): boolean {
  if (!node.directives?.length) return true;
  const parts = node.directives.find(({ name }) => PARTS.has(name.value));
  if (parts) throw new Left('parts', `@${parts.name.value}`);
  return (
    getDirectiveValues(GraphQLSkipDirective, node, conditions)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, node, conditions)?.if !== false
  );
}

function applies(
  { typeCondition }: InlineFragmentNode | FragmentDefinitionNode,
  type: GraphQLObjectType,
  schema: GraphQLSchema,
): boolean {
  if (!typeCondition) return true;
  const condition = typeFromAST(schema, typeCondition as TypeNode);
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
}

/** The fields of an answer's object in their order, as GraphQL collects them: each key where it comes first. */
export function select(
  { schema, fragments, conditions }: Selecting,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Selected[] {
  const found = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode) => {
    for (const node of selections) {
      if (!isIncluded(node, conditions)) continue;
      if (node.kind === Kind.FIELD) {
        const key = (node.alias ?? node.name).value;
        const nodes = found.get(key);
        if (nodes) nodes.push(node);
        else found.set(key, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT) {
        if (applies(node, type, schema)) collect(node.selectionSet);
      } else if (!spread.has(node.name.value)) {
        spread.add(node.name.value);
        const fragment = fragments.get(node.name.value)!;
        if (applies(fragment, type, schema)) collect(fragment.selectionSet);
      }
    }
  };
  for (const set of sets) collect(set);
  return [...found].map(([key, nodes]) => ({ key, name: nodes[0]!.name.value, nodes }));
}

/** The same for what stands below a field. */
export function selectBelow(
  selecting: Selecting,
  type: GraphQLObjectType,
  { nodes }: Selected,
): Selected[] {
  const sets = nodes.map(({ selectionSet }) => selectionSet!);
  return select(selecting, type, sets);
}

export function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  return fragments;
}

const CONDITIONS: ReadonlySet<string> = new Set(['skip', 'include']);

/** The variables by which fields of an operation may be left out and put in. */
export function conditionsOf(
  document: DocumentNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
): string[] {
  const used = new Set<string>();
  visit(document, {
    Directive({ name, arguments: [condition] = [] }) {
      if (CONDITIONS.has(name.value) && condition?.value.kind === Kind.VARIABLE) {
        used.add(condition.value.name.value);
      }
    },
  });
  return variableDefinitions.map(({ variable }) => variable.name.value).filter((v) => used.has(v));
}
