import { GraphQLError, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { prepareQuery, type CompiledContext } from './answer.ts';
import { Left } from './left.ts';

/** Data as the text that the database has made of it; read only where somebody does something else with it than send it. */
export class JsonText {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

/** Writes an answer around the texts of its data and of what it says beside them. */
export function writeAnswer(data: string, extensions: string | undefined): string {
  return extensions === undefined
    ? `{"data":${data}}`
    : `{"data":${data},"extensions":${extensions}}`;
}

function stringify(this: void, { data, extensions }: ExecutionResult): string {
  return writeAnswer((data as unknown as JsonText).text, extensions && JSON.stringify(extensions));
}

export interface CompiledOptions {
  /** Told of each query that it was answered by a statement, or why it was left to the resolvers. */
  readonly onQuery: (left: Left | undefined, document: DocumentNode) => void;
}

/** What a request says of its own answering. */
export interface AttemptedRequest {
  /** What an answer by a statement has failed with already, which is not tried again. */
  attempt?: Error | undefined;
}

/**
 * A Yoga plugin that answers queries by one statement each, where all that they ask for is plain: columns, rows that belong
 * together, lists and their counts. All others are for the resolvers, which are right about everything.
 */
export function useCompiled({ onQuery }: CompiledOptions): Plugin {
  return {
    onExecute({ executeFn, setExecuteFn }) {
      const resolve = executeFn as Execute;
      const execute: Execute = async (args) => {
        const context = args.contextValue as CompiledContext & AttemptedRequest;
        try {
          if (context.attempt) throw context.attempt;
          const text = await prepareQuery(args, context)?.();
          if (text !== undefined) {
            onQuery(undefined, args.document);
            return { data: new JsonText(text) as never, stringify } as ExecutionResult;
          }
        } catch (error) {
          if (error instanceof GraphQLError) return { data: null, errors: [error] };
          if (!(error instanceof Left)) throw error;
          onQuery(error, args.document);
        }
        return resolve(args);
      };
      setExecuteFn(execute as typeof executeFn);
    },
  };
}
