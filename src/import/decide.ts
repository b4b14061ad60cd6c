import type { InstanceInfo } from '../domain/entities.ts';
import { isLower, type Value } from './kinds.ts';
import { Rejection, show } from './problem.ts';
import type { Place, State } from './state.ts';
import { FIELDS, REFERENCES, tableOf, type Line, type Row } from './tables.ts';

/** What a line comes to. `flush`: what was decided so far must be written before this one can be. */
export type Decision = 'created' | 'updated' | 'unchanged' | 'stale' | 'flush';

/** Checks that what a line refers to exists, and gives what its row takes over from there. */
function placeOf(state: State, line: Line): Place {
  const fields = line.fields as unknown as Row;
  const places: Record<string, Place> = {};
  for (const { field, target } of REFERENCES[line.type]) {
    const id = fields[field] as string;
    const place = state[target].places.get(id);
    if (!place) {
      throw new Rejection('NOT_FOUND', field, `There is no ${target} ${show(id)} (${field}).`);
    }
    places[field] = place;
  }
  if (line.type !== 'task' && line.type !== 'annotationHistory') return {};
  const { campaignId, ...above } = (places.annotationRequestId ?? places.taskId)!;
  const poolCampaignId = places.poolId!.campaignId;
  if (poolCampaignId !== campaignId) {
    throw new Rejection(
      'CONFLICT',
      'poolId',
      `The pool ${line.fields.poolId} belongs to the campaign ${show(poolCampaignId!)}, and the ${line.type} to ${show(campaignId!)}.`,
    );
  }
  return { ...above, campaignId: campaignId! };
}

/** The row that a line makes where there is none yet. */
function newRow(line: Line, place: Place, importTime: string): Row {
  const given = line.fields as unknown as Row;
  const row: Record<string, Value> = {};
  for (const { name, absent } of FIELDS[line.type]) {
    row[name] = given[name] ?? (absent === 'importTime' ? importTime : null);
  }
  return Object.assign(row, place) as unknown as Row;
}

function isSameInfo(a: InstanceInfo, b: InstanceInfo): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}

/** The first field in which a line differs from its row. The order of keys in `instanceInfo` means nothing. */
function findChange(from: Row, to: Row): string | undefined {
  return Object.keys(to).find(
    (field) =>
      from[field] !== to[field] &&
      (field !== 'instanceInfo' ||
        !isSameInfo(from[field] as InstanceInfo, to[field] as InstanceInfo)),
  );
}

/** A task's line is stale if it was written after an earlier record than the stored row. */
function isStale(line: Line, stored: Row): boolean {
  const { lastRecordId } = stored;
  return (
    line.type === 'task' &&
    typeof line.fields.lastRecordId === 'string' &&
    typeof lastRecordId === 'string' &&
    isLower(line.fields.lastRecordId, lastRecordId)
  );
}

/**
 * Decides about a line and lays its change over the state, as if all lines before it had been written.
 * @throws Rejection if the line cannot be taken; the state is then as before.
 */
export function decide(state: State, line: Line, importTime: string): Decision {
  const table = state[line.type];
  const fields = line.fields as unknown as Row;
  if (table.foreign.has(fields.id)) {
    // As little as can be said of what does not exist for whoever imports.
    throw new Rejection('CONFLICT', 'id', `The id ${show(fields.id)} cannot be used.`);
  }
  const stored = table.rows.get(fields.id);
  if (stored && line.type === 'annotationHistory') {
    // A record is one statement, so that a field it does not give is null here and not "as stored".
    const change = findChange(stored, newRow(line, {}, importTime));
    if (change === undefined) return 'unchanged';
    throw new Rejection(
      'IMMUTABLE',
      change,
      `The record ${fields.id} is stored with another ${change}; the history is append-only.`,
    );
  }
  for (const field of stored ? tableOf(line.type).fixed : []) {
    if (stored![field] === fields[field]) continue;
    throw new Rejection(
      'IMMUTABLE',
      field,
      `${field} of the ${line.type} ${show(fields.id)} is ${show(stored![field] as string)} and never changes.`,
    );
  }
  const place = placeOf(state, line);
  if (stored && isStale(line, stored)) return 'stale';
  const row: Row = stored ? { ...stored, ...fields } : newRow(line, place, importTime);
  if (stored && findChange(stored, row) === undefined) return 'unchanged';
  for (const index of table.unique) {
    const owner = index.ownerOf(row);
    if (owner === undefined || owner === row.id) continue;
    const field = index.fields.at(-1)!;
    throw new Rejection(
      'CONFLICT',
      field,
      table.foreign.has(owner)
        ? `The ${field} ${show(row[field] as string)} cannot be used.`
        : `The ${field} ${show(row[field] as string)} belongs to the ${line.type} ${show(owner)}.`,
    );
  }
  // The server checks uniqueness row by row, and not after the whole statement.
  if (table.unique.some((index) => index.isFreed(row))) return 'flush';
  if (stored) table.update(stored, row);
  else table.create(row);
  return stored ? 'updated' : 'created';
}

/** What is odd about a record that is taken all the same. */
export function warningOf(line: Line): Rejection | undefined {
  if (line.type !== 'annotationHistory') return undefined;
  const { instanceInfo, instanceNum } = line.fields;
  const sum = Object.values(instanceInfo).reduce((a, b) => a + b, 0);
  return sum === instanceNum
    ? undefined
    : new Rejection(
        'SUM',
        'instanceInfo',
        `The counts of instanceInfo add up to ${sum}, and instanceNum is ${instanceNum}.`,
      );
}
