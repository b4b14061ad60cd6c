import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import {
  OverlappingFieldsCanBeMergedRule,
  visit,
  type DocumentNode,
  type GraphQLError,
  type ValidationRule,
} from 'graphql';
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga';

/** All of an answer, its first part, or a later one with what has become of deferred fragments and streamed lists. */
interface Part {
  errors?: readonly GraphQLError[];
  incremental?: Part[];
}

type OnResultProcess = NonNullable<Plugin['onResultProcess']>;
type Processed = Pick<Parameters<OnResultProcess>[0], 'result' | 'setResult'>;

/** Calls back for every part of an answer: at once, or where `@defer` or `@stream` make it several, before each goes out. */
function onEveryPart({ result, setResult }: Processed, look: (part: Part) => void): void {
  if (isAsyncIterable(result)) {
    const lookAt = <Result>(part: Result): Result => {
      look(part as Part);
      return part;
    };
    setResult(mapAsyncIterator(result, lookAt) as typeof result);
  } else {
    for (const part of [result].flat()) look(part as Part);
  }
}

/** The errors of a part of an answer. */
export function errorsOf(part: Part): GraphQLError[] {
  return [part, ...(part.incremental ?? [])].flatMap((one) => one.errors ?? []);
}

/** Calls back with the errors of an answer, of its late parts too. */
export function onErrors(processed: Processed, look: (errors: GraphQLError[]) => void): void {
  onEveryPart(processed, (part) => {
    const errors = errorsOf(part);
    if (errors.length > 0) look(errors);
  });
}

/** The media types that an answer in parts comes in, as Yoga looks for them. */
const TYPES_OF_PARTS = /\*\/\*|multipart\/(\*|mixed)|text\/(\*|event-stream)/i;

const acceptsParts = ({ headers }: Request) => TYPES_OF_PARTS.test(headers.get('accept') || '*/*');

const DIRECTIVES: ReadonlySet<string> = new Set(['defer', 'stream']);

/** Operations without those directives: they then mean the same in one answer. */
const wholes = new WeakMap<DocumentNode, DocumentNode>();

/** The operations of a document without what would make their answers come in parts. */
export function inOneAnswer(document: DocumentNode): DocumentNode {
  let whole = wholes.get(document);
  if (!whole) {
    whole = visit(document, {
      Directive: ({ name }) => (DIRECTIVES.has(name.value) ? null : undefined),
    });
    wholes.set(document, whole);
  }
  return whole;
}

/**
 * A Yoga plugin for answers in parts, by `@defer` and `@stream`. Who does not accept them gets one answer; Yoga would say
 * 406 after all the work. Errors of late parts are masked: Yoga masks those of the first.
 */
export function useIncremental(
  mask: (error: unknown) => GraphQLError,
): Plugin<{ request?: Request }> {
  const { onValidate } = useDeferStream();
  return {
    onValidate: (payload) =>
      onValidate?.({
        ...payload,
        addValidationRule: (rule: ValidationRule) => {
          // GraphQL's own is there already, and its work has a bound: this one's has none, and it is far slower.
          if (rule.name !== OverlappingFieldsCanBeMergedRule.name) payload.addValidationRule(rule);
        },
      }),
    onExecute({ args, context }) {
      if (context.request && !acceptsParts(context.request)) {
        args.document = inOneAnswer(args.document as DocumentNode);
      }
    },
    onSubscribe({ args }) {
      // An event is one part already.
      args.document = inOneAnswer(args.document as DocumentNode);
    },
    onResultProcess(processed) {
      onEveryPart(processed, ({ incremental }) => {
        for (const part of incremental ?? []) {
          part.errors = part.errors?.map((error) => {
            const masked = mask(error);
            // It is too late for a status and headers.
            delete masked.extensions.http;
            return masked;
          });
        }
      });
    },
  };
}
