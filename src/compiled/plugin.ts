import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { answerQuery, type CompiledContext } from './answer.ts';
import { Left } from './left.ts';

/** Data as the text that the database has made of it; read only where somebody does something else with it than send it. */
export class JsonText {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

/** Writes an answer around the text of its data. */
function stringify(this: void, { data, extensions }: ExecutionResult): string {
  const { text } = data as unknown as JsonText;
  if (!extensions) return `{"data":${text}}`;
  return `{"data":${text},"extensions":${JSON.stringify(extensions)}}`;
}

export interface CompiledOptions {
  /** Told of each query that it was answered by a statement, or why it was left to the resolvers. */
  readonly onQuery: (left: Left | undefined) => void;
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
        try {
          const text = await answerQuery(args, args.contextValue as CompiledContext);
          if (text !== undefined) {
            onQuery(undefined);
            return { data: new JsonText(text) as never, stringify } as ExecutionResult;
          }
        } catch (error) {
          if (error instanceof GraphQLError) return { data: null, errors: [error] };
          if (!(error instanceof Left)) throw error;
          onQuery(error);
        }
        return resolve(args);
      };
      setExecuteFn(execute as typeof executeFn);
    },
  };
}
