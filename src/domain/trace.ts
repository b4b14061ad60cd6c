/** How a request ended. */
export interface TracedEnding {
  /** The HTTP status; absent where it was broken off before the answer was whole. */
  readonly status?: number | undefined;
  /** The code of a REST envelope. */
  readonly code?: number | undefined;
  /** The codes of the errors in an answer of GraphQL. */
  readonly errorCodes?: readonly string[] | undefined;
}

/** What is traced of a request while it is under way. Whoever does something in it needs to know no more of tracing. */
export interface RequestTrace {
  /** 32 hex digits, the caller's own where he has sent some. */
  readonly traceId: string;
  /**
   * An operation of GraphQL begins, or somebody else goes on with the one that has not ended. What is sent to the database
   * meanwhile is part of it.
   * @returns what ends it, told the codes of its errors.
   */
  operationBegins(type: string, name: string | undefined): (errorCodes: readonly string[]) => void;
  /** A statement is sent. @returns what ends it, told what it failed with; undefined where it is not traced. */
  statementBegins(text: string): ((error?: unknown) => void) | undefined;
  /** The request is a subscription, which has begun: its trace does not wait for its end. */
  lasts(): void;
  /** The request is over. */
  end(ending: TracedEnding): void;
}
