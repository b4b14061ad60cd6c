import {
  GraphQLError,
  Kind,
  Lexer,
  Source,
  TokenKind,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** How large an operation may be. */
export interface OperationLimits {
  readonly characters: number;
  readonly tokens: number;
  /** How many fields may stand inside one another. */
  readonly depth: number;
  readonly fields: number;
  /** How many fields may stand in none. */
  readonly rootFields: number;
  readonly aliases: number;
  readonly directives: number;
}

/**
 * How many brackets may stand inside one another, beyond one for each field: those of arguments and of fragments that
 * stand where they are used. Whatever goes through an operation goes that deep into the stack.
 */
const MORE_BRACKETS = 100;

const OPENING: ReadonlySet<string> = new Set([
  TokenKind.BRACE_L,
  TokenKind.BRACKET_L,
  TokenKind.PAREN_L,
]);
const CLOSING: ReadonlySet<string> = new Set([
  TokenKind.BRACE_R,
  TokenKind.BRACKET_R,
  TokenKind.PAREN_R,
]);

type Code = 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED';

function refuse(code: Code, what: string, variable: string): never {
  throw new GraphQLError(`${what}: that is the limit here (${variable}).`, {
    extensions: { code, http: { spec: true, status: 400 } },
  });
}

/** Refuses a text that would be long in parsing, before it is parsed. */
function checkText(text: string, limits: OperationLimits): void {
  const refuseText = (what: string, variable: string) =>
    refuse('GRAPHQL_PARSE_FAILED', what, variable);
  if (text.length > limits.characters) {
    refuseText(
      `The document has more than ${limits.characters} characters`,
      'GATEWAY_MAX_CHARACTERS',
    );
  }
  const lexer = new Lexer(new Source(text));
  const maxBrackets = limits.depth + MORE_BRACKETS;
  let tokens = 0;
  let brackets = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    if (++tokens > limits.tokens) {
      refuseText(`The document has more than ${limits.tokens} tokens`, 'GATEWAY_MAX_TOKENS');
    }
    if (OPENING.has(kind)) brackets += 1;
    else if (CLOSING.has(kind)) brackets -= 1;
    if (brackets > maxBrackets) {
      refuseText(
        `The document has more than ${maxBrackets} brackets inside one another`,
        `${MORE_BRACKETS} more than GATEWAY_MAX_DEPTH`,
      );
    }
  }
}

/** What a selection comes to when every fragment is written out where it is spread. */
interface Extent {
  depth: number;
  fields: number;
  /** Those of the fields that stand in none of the others. */
  outermost: number;
  aliases: number;
  directives: number;
}

const NOTHING: Extent = { depth: 0, fields: 0, outermost: 0, aliases: 0, directives: 0 };

function add(to: Extent, { depth, fields, outermost, aliases, directives }: Extent): void {
  to.depth = Math.max(to.depth, depth);
  to.fields += fields;
  to.outermost += outermost;
  to.aliases += aliases;
  to.directives += directives;
}

/** Makes what measures selections of a document. Each fragment is measured once, however often it is spread. */
function createMeasure({ definitions }: DocumentNode) {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const measured = new Map<string, Extent>();

  const measureSpread = (name: string): Extent => {
    const known = measured.get(name);
    const fragment = fragments.get(name);
    if (known || !fragment) return known ?? NOTHING;
    // One that spreads itself is refused later, by a rule of GraphQL's own.
    measured.set(name, NOTHING);
    const extent = measure(fragment.selectionSet);
    extent.directives += fragment.directives?.length ?? 0;
    measured.set(name, extent);
    return extent;
  };

  const measureOne = (selection: SelectionNode): Extent => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return measureSpread(selection.name.value);
    if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet);
    const inside = selection.selectionSet ? measure(selection.selectionSet) : NOTHING;
    return {
      depth: inside.depth + 1,
      fields: inside.fields + 1,
      outermost: 1,
      aliases: inside.aliases + (selection.alias ? 1 : 0),
      directives: inside.directives,
    };
  };

  const measure = ({ selections }: SelectionSetNode): Extent => {
    const extent = { ...NOTHING };
    for (const selection of selections) {
      add(extent, measureOne(selection));
      extent.directives += selection.directives?.length ?? 0;
    }
    return extent;
  };
  return measure;
}

/** Refuses a document with an operation that would be long in validating and executing. */
function checkOperations(document: DocumentNode, limits: OperationLimits): void {
  const refuseOperation = (what: string, variable: string) =>
    refuse('GRAPHQL_VALIDATION_FAILED', what, variable);
  const measure = createMeasure(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const extent = measure(definition.selectionSet);
    const holders = [definition, ...(definition.variableDefinitions ?? [])];
    for (const { directives } of holders) extent.directives += directives?.length ?? 0;
    const checks = [
      ['depth', 'fields inside one another', 'GATEWAY_MAX_DEPTH'],
      ['outermost', 'fields at its root', 'GATEWAY_MAX_ROOT_FIELDS'],
      ['aliases', 'aliases', 'GATEWAY_MAX_ALIASES'],
      ['directives', 'directives', 'GATEWAY_MAX_DIRECTIVES'],
      ['fields', 'fields', 'GATEWAY_MAX_FIELDS'],
    ] as const;
    for (const [measureName, what, variable] of checks) {
      const limit = limits[measureName === 'outermost' ? 'rootFields' : measureName];
      if (extent[measureName] > limit) {
        refuseOperation(
          `The operation has more than ${limit} ${what}, fragments written out`,
          variable,
        );
      }
    }
  }
}

/**
 * A Yoga plugin that refuses operations of more than a certain size, whatever way they come. It works on what is parsed, once
 * for a document that is kept: validation itself can be long.
 *
 * The plugins that there are for it (graphql-armor's) count by rules of validation, which run beside the rules of GraphQL's own
 * that take long.
 */
export function useLimits(limits: OperationLimits): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      const parse = parseFn as (source: string | Source, options?: object) => DocumentNode;
      setParseFn((source: string | Source, options?: object) => {
        checkText(typeof source === 'string' ? source : source.body, limits);
        const document = parse(source, options);
        checkOperations(document, limits);
        return document;
      });
    },
  };
}
