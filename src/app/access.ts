import type { OperationRecord } from '../plugins/operation-record.ts';
import type { ExportProgress } from '../rest/rest.ts';

/** What the log line of a request says of it. */
export interface AccessRecord extends OperationRecord, ExportProgress {
  route: string;
  /** The name of who asked. */
  viewer?: string;
  /** Why it was refused, where nobody was found to be asking, or one who may not. */
  refusal?: string | undefined;
  /** It was more than the gateway could bear. */
  turnedAway?: true;
  /** Why a query was left to the resolvers, with the field where it was one. */
  resolved?: string;
  /** The code of a REST envelope. */
  code?: number;
}
