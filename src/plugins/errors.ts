import { GraphQLError } from 'graphql';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';

/** What an error is to the caller, and what is to be logged of it, if anything. */
export interface Told {
  error: GraphQLError;
  /** The error behind one that the caller is not told the reason of. */
  unforeseen?: unknown;
}

/** Finds what an error of the layers below means to a caller; undefined if it is unforeseen. */
export type Translate = (error: unknown) => ErrorCode | undefined;

function withCode(error: GraphQLError, code: ErrorCode, message: string): GraphQLError {
  // A new error: the old one carries its cause along, whose text is not the caller's to see.
  return new GraphQLError(message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: { code },
  });
}

/**
 * graphql-js reports a caller's faults as errors of its own: in syntax, in validation, in variables, and in arguments
 * whose variables turn out null. An error of its own that has come out of a field without standing at a place of the
 * document is a fault of ours: a value that the field's type cannot show.
 */
function isCallersFault(error: GraphQLError): boolean {
  const original = error.originalError;
  if (!original) return error.path === undefined;
  return original instanceof GraphQLError && (original.nodes?.length ?? 0) > 0;
}

/**
 * Decides what a caller sees of an error that executing an operation has ended with: a code of the table and a sentence
 * to act on. Whatever was not foreseen is masked, and handed back for the log.
 */
export function tellCaller(error: GraphQLError, translate: Translate): Told {
  const original = error.originalError;
  if (original instanceof GatewayError) return { error };
  if (isCallersFault(error)) {
    return {
      error:
        error.extensions.code === undefined
          ? withCode(error, 'BAD_USER_INPUT', error.message)
          : error,
    };
  }
  const code = translate(original ?? error) ?? 'INTERNAL_SERVER_ERROR';
  return { error: withCode(error, code, new GatewayError(code).message), unforeseen: original ?? error };
}
