import { ENTITY_TYPES, type EntityType } from '../domain/entities.ts';
import type { Batch } from './batches.ts';
import { decide, warningOf, type Decision } from './decide.ts';
import { loadState } from './load.ts';
import { Rejection, type LineProblem } from './problem.ts';
import { insertRows, prepareTransaction, updateRows, type Transaction } from './sql.ts';
import type { State } from './state.ts';
import type { Line } from './tables.ts';

/** What became of one line. */
export type Outcome =
  | { type: EntityType; decision: Exclude<Decision, 'flush'>; warning: LineProblem | undefined }
  | { decision: 'rejected'; problem: LineProblem };

/** Writes what was decided and not written yet; referenced types come first. */
async function flush(tx: Transaction, state: State): Promise<void> {
  for (const type of ENTITY_TYPES) {
    const { rows, created, updated } = state[type];
    const rowsOf = (ids: Set<string>) => Array.from(ids, (id) => rows.get(id)!);
    if (created.size > 0) await insertRows(tx, type, rowsOf(created));
    if (updated.size > 0) await updateRows(tx, type, rowsOf(updated));
    state[type].settle();
  }
}

async function writeLine(
  tx: Transaction,
  state: State,
  line: Line,
  importTime: string,
): Promise<Outcome> {
  let decision = decide(state, line, importTime);
  if (decision === 'flush') {
    await flush(tx, state);
    decision = decide(state, line, importTime);
  }
  if (decision === 'flush') throw new Error('a written batch asks to be written first');
  const warning = decision === 'created' ? warningOf(line) : undefined;
  return { type: line.type, decision, warning: warning?.at(line.number, line.type) };
}

/**
 * Writes a batch inside an open transaction. The rows and the outcomes are those of processing one line after the other.
 * @param importTime the `createdAt` of new requests that give none.
 * @param campaigns those that exist for whoever imports; undefined: all.
 * @param onWriting called when all is decided and the server writes what is left.
 * @returns one outcome for each entry, in their order.
 */
export async function writeBatch(
  tx: Transaction,
  { entries }: Batch,
  importTime: string,
  campaigns?: readonly string[],
  onWriting?: () => void,
): Promise<Outcome[]> {
  await prepareTransaction(tx);
  const lines = entries.filter((entry) => 'fields' in entry);
  const state = await loadState(tx, lines, campaigns);
  const outcomes: Outcome[] = [];
  for (const entry of entries) {
    if (!('fields' in entry)) {
      outcomes.push({ decision: 'rejected', problem: entry });
      continue;
    }
    try {
      outcomes.push(await writeLine(tx, state, entry, importTime));
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      outcomes.push({ decision: 'rejected', problem: error.at(entry.number, entry.type) });
    }
  }
  const written = flush(tx, state);
  onWriting?.();
  await written;
  return outcomes;
}
