import { GraphQLError, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { answerQuery, type CompiledContext } from './answer.ts';
import { Left, type Reason } from './left.ts';

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

/** What a request's log line says of a query that was left to the resolvers. */
export interface QueryRecord {
  /** Why, with the field where it was one. */
  resolved?: string;
}

/** What an argument is wrong by has its value in it, which is not for the log. */
const wordsOf = ({ reason, message }: Left) =>
  reason === 'field' ? `${reason} ${message}` : reason;

export interface CompiledOptions {
  /** Told of each query how it is answered: by a statement, or why by the resolvers; and by what a statement failed. */
  readonly onQuery: (how: 'compiled' | Reason, cause?: unknown) => void;
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
        const context = args.contextValue as CompiledContext & { access?: QueryRecord };
        try {
          const text = await answerQuery(args, context);
          if (text !== undefined) {
            onQuery('compiled');
            return { data: new JsonText(text) as never, stringify } as ExecutionResult;
          }
        } catch (error) {
          if (error instanceof GraphQLError) return { data: null, errors: [error] };
          if (!(error instanceof Left)) throw error;
          onQuery(error.reason, error.cause);
          if (context.access) context.access.resolved = wordsOf(error);
        }
        return resolve(args);
      };
      setExecuteFn(execute as typeof executeFn);
    },
  };
}
