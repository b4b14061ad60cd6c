import type { EntityType } from '../../src/domain/entities.ts';

/**
 * The rules of the import format once more, as plainly as they can be put: one line after the other, everything in
 * memory. It knows valid lines only; the importer is compared with it.
 */
export type ModelLine = { type: EntityType; id: string } & Record<string, unknown>;

export type ModelOutcome =
  'created' | 'updated' | 'unchanged' | 'stale' | 'IMMUTABLE' | 'NOT_FOUND' | 'CONFLICT';

type ModelRow = Record<string, unknown>;

const OPTIONAL: Record<EntityType, readonly string[]> = {
  campaign: ['workflowType', 'folderName', 'taxonomyVersionName'],
  annotationRequest: [],
  pool: [],
  task: ['lastRecordId'],
  annotationHistory: ['teamId', 'poolAssigneeId', 'creatorId'],
};

/** Equal rows have equal texts: keys are sorted, those of instanceInfo too. */
function textOf(row: ModelRow): string {
  const sorted = (value: object): [string, unknown][] =>
    Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    sorted(row).map(([key, value]) => [
      key,
      typeof value === 'object' && value !== null ? sorted(value) : value,
    ]),
  );
}

export class ImportModel {
  readonly rows: Record<EntityType, Map<string, ModelRow>> = {
    campaign: new Map(),
    annotationRequest: new Map(),
    pool: new Map(),
    task: new Map(),
    annotationHistory: new Map(),
  };

  #holds(type: EntityType, id: string, values: ModelRow): boolean {
    return [...this.rows[type]].some(
      ([other, row]) =>
        other !== id && Object.entries(values).every(([field, value]) => row[field] === value),
    );
  }

  process({ type, ...line }: ModelLine): ModelOutcome {
    const stored = this.rows[type].get(line.id);
    const blank = Object.fromEntries(OPTIONAL[type].map((field) => [field, null]));
    let row: ModelRow = { ...(stored ?? blank), ...line };
    const find = (of: EntityType, field: string) => this.rows[of].get(line[field] as string);

    if (type === 'annotationHistory') {
      const task = find('task', 'taskId');
      const pool = find('pool', 'poolId');
      const { annotationRequestId, campaignId } = task ?? {};
      const whole = { ...blank, ...line, annotationRequestId, campaignId };
      if (stored) return textOf(whole) === textOf(stored) ? 'unchanged' : 'IMMUTABLE';
      if (!task || !pool) return 'NOT_FOUND';
      if (pool.campaignId !== campaignId) return 'CONFLICT';
      row = whole;
    }
    if (type === 'annotationRequest' || type === 'pool') {
      if (stored && stored.campaignId !== line.campaignId) return 'IMMUTABLE';
      if (!find('campaign', 'campaignId')) return 'NOT_FOUND';
    }
    if (type === 'task') {
      if (stored && stored.annotationRequestId !== line.annotationRequestId) return 'IMMUTABLE';
      if (stored && stored.sceneId !== line.sceneId) return 'IMMUTABLE';
      const request = find('annotationRequest', 'annotationRequestId');
      const pool = find('pool', 'poolId');
      if (!request || !pool) return 'NOT_FOUND';
      if (pool.campaignId !== request.campaignId) return 'CONFLICT';
      row.campaignId = request.campaignId;
      const [given, known] = [line.lastRecordId, stored?.lastRecordId];
      if (typeof given === 'string' && typeof known === 'string' && BigInt(given) < BigInt(known)) {
        return 'stale';
      }
    }
    if (stored && textOf(row) === textOf(stored)) return 'unchanged';
    const isTaken =
      (type === 'campaign' &&
        (this.#holds(type, line.id, { name: row.name }) ||
          this.#holds(type, line.id, { projectId: row.projectId }))) ||
      (type === 'annotationRequest' && this.#holds(type, line.id, { name: row.name })) ||
      (type === 'task' &&
        this.#holds(type, line.id, {
          annotationRequestId: row.annotationRequestId,
          sceneId: row.sceneId,
        }));
    if (isTaken) return 'CONFLICT';
    this.rows[type].set(line.id, row);
    return stored ? 'updated' : 'created';
  }
}
