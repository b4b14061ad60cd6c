import { GraphQLError } from 'graphql';
import { GatewayError } from '../domain/errors.ts';

/** Why an operation is left to the resolvers. */
export type Reason =
  /** It has a field whose value no statement is built of. */
  | 'field'
  /** Its statement would be too large. */
  | 'size'
  /** It wants its answer in parts. */
  | 'parts'
  /** Its variables have left out and put in its fields in too many different ways. */
  | 'variants'
  /** An argument, or a variable, that is wrong, or that no statement is built of. */
  | 'argument'
  /** It may ask for people who are hidden from its viewer. */
  | 'people'
  /** What must be there is not, and the resolvers say why. */
  | 'missing'
  /** Its statement failed. */
  | 'statement';

/** Leaves an operation to the resolvers, which are right about everything. */
export class Left extends Error {
  override name = 'Left';
  constructor(
    readonly reason: Reason,
    /** What of the operation it was. */
    detail: string,
  ) {
    super(detail);
  }
}

/** What a log may say of it: what an argument is wrong by has a value of the caller's in it. */
export function wordsOf({ reason, message }: Left): string {
  return reason === 'argument' ? reason : `${reason} ${message}`;
}

/** What is wrong with an argument is for the resolvers to say. @throws any other error. */
export function leftBy(error: unknown): Left {
  if (error instanceof Left) return error;
  if (error instanceof GatewayError || error instanceof GraphQLError) {
    return new Left('argument', error.message);
  }
  throw error;
}
