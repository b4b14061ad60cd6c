import {
  getOperationAST,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  parse,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { expect } from 'vitest';
import type { GraphQLAnswer } from './gateway.ts';
import type { RandomOperation } from './random-operations.ts';

/** Every `extensions.code` that there is. */
const CODES: ReadonlySet<string | undefined> = new Set([
  'BAD_USER_INPUT',
  'CAMPAIGN_NOT_FOUND',
  'ANNOTATION_REQUEST_NOT_FOUND',
  'SCENE_NOT_FOUND',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'COST_EXCEEDED',
  'RATE_LIMITED',
  'TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
]);
const OUR_FAULTS: ReadonlySet<string | undefined> = new Set([
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'TIMEOUT',
]);

/** What would tell a caller how the gateway is made: words of its libraries, of SQL, of its files. */
const INSIDES =
  /[Pp]risma|PRISMA|[Pp]ostgre|[Pp][Gg]lite|node_modules|\/src\/|\.[jt]s:\d|\n\s+at |SELECT "|FROM "|relation "|column "|SQLSTATE|syntax error at or near|annotation_history|\[object |reading '|is not a function|Cannot read prop/;

/** Expects of errors that they are the caller's, and tell nothing of the gateway's insides. */
export function expectCallersErrors(errors: GraphQLAnswer<unknown>['errors'], about: string): void {
  for (const { message, extensions } of errors ?? []) {
    const code = extensions?.code;
    expect(CODES.has(code), `${about}\n${String(code)}: ${message}`).toBe(true);
    expect(OUR_FAULTS.has(code), `${about}\n${String(code)}: ${message}`).toBe(false);
    expect(message, about).not.toMatch(INSIDES);
    expect(message, about).not.toBe('');
  }
}

type Json = Record<string, unknown>;
/** What an object of an answer has to have: the key of each value with the fields that ask for it. */
type Asked = Map<string, FieldNode[]>;

/** How many rows a list may have that says nothing of its own. */
const DEFAULT_SIZE = 20;

/** Holds an answer against what was asked, as the language says, without executing anything. */
class Checker {
  readonly #document: DocumentNode;
  readonly #variables: Json;
  /** How many rows of the database the answer shows. */
  rows = 0;

  constructor(
    readonly schema: GraphQLSchema,
    readonly operation: RandomOperation,
  ) {
    this.#document = parse(operation.query);
    const { variableDefinitions = [] } = getOperationAST(this.#document, operation.operationName)!;
    this.#variables = { ...operation.variables };
    for (const { variable, defaultValue } of variableDefinitions) {
      const name = variable.name.value;
      const isSimple = defaultValue?.kind === Kind.BOOLEAN || defaultValue?.kind === Kind.INT;
      if (Object.hasOwn(this.#variables, name) || !isSimple) continue;
      const value =
        defaultValue.kind === Kind.INT ? Number(defaultValue.value) : defaultValue.value;
      Object.defineProperty(this.#variables, name, { value, enumerable: true });
    }
  }

  check(data: unknown): void {
    const { operation, selectionSet } = getOperationAST(
      this.#document,
      this.operation.operationName,
    )!;
    if (data === null || data === undefined) return;
    const root = this.schema.getRootType(operation)!;
    this.#object(root, [selectionSet], data as Json, operation);
  }

  #argument({ arguments: given = [] }: FieldNode | DirectiveNode, name: string): unknown {
    const value = given.find((argument) => argument.name.value === name)?.value;
    if (value?.kind === Kind.VARIABLE) {
      return Object.getOwnPropertyDescriptor(this.#variables, value.name.value)?.value;
    }
    if (value?.kind === Kind.INT) return Number(value.value);
    return value?.kind === Kind.BOOLEAN ? value.value : undefined;
  }

  #isLeftOut(directives: readonly DirectiveNode[] = []): boolean {
    return directives.some(
      (directive) =>
        (directive.name.value === 'skip' && this.#argument(directive, 'if') === true) ||
        (directive.name.value === 'include' && this.#argument(directive, 'if') === false),
    );
  }

  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[], asked: Asked = new Map()) {
    for (const selection of sets.flatMap(({ selections }) => selections)) {
      if (this.#isLeftOut(selection.directives)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        asked.set(key, [...(asked.get(key) ?? []), selection]);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : this.#document.definitions.find(
              (definition) =>
                definition.kind === Kind.FRAGMENT_DEFINITION &&
                definition.name.value === selection.name.value,
            );
      if (!fragment || !('selectionSet' in fragment) || !('typeCondition' in fragment)) continue;
      const condition = fragment.typeCondition?.name.value;
      const wanted = condition === undefined ? type : this.schema.getType(condition);
      const fits =
        wanted === type || (isAbstractType(wanted) && this.schema.isSubType(wanted, type));
      if (fits) this.#collect(type, [fragment.selectionSet], asked);
    }
    return asked;
  }

  /** How many rows a connection may have on its page. */
  #sizeOf(node: FieldNode): number {
    return (this.#argument(node, 'first') ??
      this.#argument(node, 'last') ??
      DEFAULT_SIZE) as number;
  }

  #object(
    type: GraphQLObjectType,
    sets: readonly SelectionSetNode[],
    value: Json,
    path: string,
    size = Infinity,
  ): void {
    const asked = this.#collect(type, sets);
    if (type.getInterfaces().length > 0) this.rows++;
    expect(Object.keys(value).sort(), path).toEqual([...asked.keys()].sort());
    const byName: Json = {};
    for (const [key, nodes] of asked) {
      const name = nodes[0]!.name.value;
      const one = Object.getOwnPropertyDescriptor(value, key)!.value as unknown;
      byName[name] = one;
      if (name === '__typename') {
        expect(one, path).toBe(type.name);
        continue;
      }
      const field = type.getFields()[name]!;
      this.#value(field.type, nodes, one, `${path}.${key}`);
    }
    if (type.name.endsWith('Connection')) expectAgreement(byName, size, path);
  }

  #value(type: GraphQLOutputType, nodes: readonly FieldNode[], value: unknown, path: string): void {
    if (isNonNullType(type)) {
      expect(value, path).not.toBeNull();
      return this.#value(type.ofType, nodes, value, path);
    }
    if (value === null) return;
    if (isListType(type)) {
      expect(Array.isArray(value), path).toBe(true);
      for (const [n, item] of (value as unknown[]).entries()) {
        this.#value(type.ofType, nodes, item, `${path}.${n}`);
      }
    } else if (isEnumType(type)) {
      expect(type.getValue(value as string), `${path}: ${JSON.stringify(value)}`).toBeDefined();
    } else if (isLeafType(type)) {
      expect(value, path).toBeDefined();
    } else if (!isAbstractType(type)) {
      const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      this.#object(type, sets, value as Json, path, this.#sizeOf(nodes[0]!));
    }
  }
}

/** What the fields of a connection say of each other. */
function expectAgreement(connection: Json, size: number, path: string): void {
  const { nodes, edges, totalCount, aggregate } = connection;
  for (const rows of [nodes, edges]) {
    if (!Array.isArray(rows)) continue;
    expect(rows.length, path).toBeLessThanOrEqual(size);
    if (typeof totalCount === 'number') expect(rows.length, path).toBeLessThanOrEqual(totalCount);
  }
  if (Array.isArray(nodes) && Array.isArray(edges)) expect(nodes.length, path).toBe(edges.length);
  const { count } = (aggregate ?? {}) as { count?: unknown };
  if (typeof count === 'number' && typeof totalCount === 'number') {
    expect(count, path).toBe(totalCount);
  }
}

/** Expects that an answer has what was asked for and nothing else, and that it does not contradict itself. */
export function expectAnswerFits(
  schema: GraphQLSchema,
  operation: RandomOperation,
  data: unknown,
): { rows: number } {
  const checker = new Checker(schema, operation);
  checker.check(data);
  return checker;
}
