import { POOL_TYPE, TASK_ACTION, TASK_STATUS } from '../../src/domain/codes.ts';
import type { Noun } from '../../src/domain/nouns.ts';
import { FIELDS, type ModelRow, type Value } from './list-rows.ts';

/** The numbers and instants of each noun, written down once more. */
export const NUMBERS: Record<Noun, string[]> = {
  Campaign: [],
  AnnotationRequest: [],
  Pool: [],
  Task: ['instanceNum', 'attributeNum', 'frameNum'],
  AnnotationHistory: ['instanceNum', 'instanceSum', 'attributesNum', 'attributesSum', 'frameCount'],
};
export const INSTANTS: Record<Noun, string[]> = {
  Campaign: [],
  AnnotationRequest: ['createdAt'],
  Pool: [],
  Task: [],
  AnnotationHistory: ['createdTime'],
};

export const nameOfCode = (codes: Record<string, number>, code: Value) =>
  Object.keys(codes).find((name) => codes[name] === code) ?? null;

export interface TestKey {
  /** What the rows are grouped and ordered by. */
  value: (row: ModelRow) => Value;
  select: string;
  show: (value: Value) => object;
}

export const coded = (
  name: string,
  codes: Record<string, number>,
  value: TestKey['value'],
): TestKey => ({
  value,
  select: `${name} ${name}Code`,
  show: (code) => ({ [name]: nameOfCode(codes, code), [`${name}Code`]: code }),
});
const related = (name: string, noun: Noun): TestKey => {
  const { key } = FIELDS[noun];
  return {
    value: (row) => (row.related[name] as ModelRow).values[key]!,
    select: `${name} { ${key} }`,
    show: (id) => ({ [name]: { [key]: String(id) } }),
  };
};
export const plain = (name: string): TestKey => ({
  value: (row) => row.values[name]!,
  select: name,
  show: (value) => ({ [name]: value === null ? null : String(value) }),
});
const statusCode = (row: ModelRow) => row.values.statusCode!;
export const poolCode = (row: ModelRow) => (row.related.pool as ModelRow).values.typeCode!;

/** The keys of each noun's groups, by their names in GraphQL. */
export const KEYS: Record<Noun, Record<string, TestKey>> = {
  // The order of the database's enum: POC, FORMAL.
  Campaign: {
    CAMPAIGN_TYPE: {
      ...plain('campaignType'),
      value: (row) => (row.values.campaignType === 'POC' ? 0 : 1),
      show: (value) => ({ campaignType: value === 0 ? 'POC' : 'FORMAL' }),
    },
  },
  AnnotationRequest: { CAMPAIGN: related('campaign', 'Campaign') },
  Pool: {
    TYPE: coded('type', POOL_TYPE, (row) => row.values.typeCode!),
    CAMPAIGN: related('campaign', 'Campaign'),
  },
  Task: {
    STATUS: coded('status', TASK_STATUS, statusCode),
    POOL: related('pool', 'Pool'),
    POOL_TYPE: coded('poolType', POOL_TYPE, poolCode),
    ANNOTATION_REQUEST: related('annotationRequest', 'AnnotationRequest'),
    CAMPAIGN: related('campaign', 'Campaign'),
  },
  AnnotationHistory: {
    STATUS: coded('status', TASK_STATUS, statusCode),
    ACTION: coded('action', TASK_ACTION, (row) => row.values.actionCode!),
    POOL: related('pool', 'Pool'),
    ANNOTATION_REQUEST: related('annotationRequest', 'AnnotationRequest'),
    TASK: related('task', 'Task'),
    TEAM_ID: plain('teamId'),
    POOL_ASSIGNEE_ID: plain('poolAssigneeId'),
    CREATOR_ID: plain('creatorId'),
  },
};

/** What to ask of an aggregate to see all of it. */
export function aggregateSelection(noun: Noun): string {
  const numbers = NUMBERS[noun].join(' ');
  const compared = [...NUMBERS[noun], ...INSTANTS[noun]].join(' ');
  const sums = numbers && `sum { ${numbers} } average { ${numbers} }`;
  return `{ count ${sums} ${compared && `min { ${compared} } max { ${compared} }`} }`;
}

export function groupSelection(noun: Noun, keys: string[]): string {
  const selects = keys.map((key) => KEYS[noun][key]!.select);
  return `groupBy(keys: [${keys.join(', ')}]) { ${selects.join(' ')} aggregate ${aggregateSelection(noun)} }`;
}

/** The aggregate of some rows, added up one by one. */
export function aggregateOf(noun: Noun, rows: ModelRow[]): object {
  const result = {
    sum: {} as Record<string, string>,
    average: {} as Record<string, number | null>,
    min: {} as Record<string, Value>,
    max: {} as Record<string, Value>,
  };
  for (const name of NUMBERS[noun]) {
    let sum = 0n;
    for (const row of rows) sum += BigInt(row.values[name] as number);
    result.sum[name] = String(sum);
    result.average[name] = rows.length === 0 ? null : Number(sum) / rows.length;
  }
  for (const name of [...NUMBERS[noun], ...INSTANTS[noun]]) {
    let [min, max]: [Value, Value] = [null, null];
    for (const { values } of rows) {
      const value = values[name] as number | string;
      if (min === null || value < min) min = value;
      if (max === null || value > max) max = value;
    }
    result.min[name] = min;
    result.max[name] = max;
  }
  const shown = Object.entries(result).filter(([, values]) => Object.keys(values).length > 0);
  return { count: rows.length, ...Object.fromEntries(shown) };
}

/** The order of keys: text by its bytes, nothing last. */
export function compare(a: Value, b: Value): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (a === b) return 0;
  return a < (b as typeof a) ? -1 : 1;
}

/** The groups of some rows, in the order of their keys. */
export function groupsOf(noun: Noun, rows: ModelRow[], names: string[]): object[] {
  const keys = names.map((name) => KEYS[noun][name]!);
  const groups = new Map<string, { values: Value[]; rows: ModelRow[] }>();
  for (const row of rows) {
    const values = keys.map((key) => key.value(row));
    const id = values.map(String).join('\n');
    const group = groups.get(id) ?? { values, rows: [] };
    groups.set(id, group);
    group.rows.push(row);
  }
  return [...groups.values()]
    .sort((a, b) => a.values.map((v, i) => compare(v, b.values[i]!)).find((c) => c !== 0) ?? 0)
    .map((group) => ({
      ...(Object.assign({}, ...keys.map((key, i) => key.show(group.values[i]!))) as object),
      aggregate: aggregateOf(noun, group.rows),
    }));
}
