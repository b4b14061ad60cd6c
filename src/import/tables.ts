import { ENTITY_TYPES, type Entity, type EntityType } from '../domain/entities.ts';
import { instant } from './instant.ts';
import { id, instanceInfo, int, name, oneOf, text, type Kind, type Value } from './kinds.ts';

/** What an absent or null field means: an error, no value, or (for an instant) the time of import. */
type Absent = 'refused' | 'null' | 'importTime';

interface Field<T extends Value = Value, A extends Absent = Absent> {
  readonly kind: Kind<T>;
  readonly absent: A;
}

const required = <T extends Value>(kind: Kind<T>) => ({ kind, absent: 'refused' }) as const;
const nullable = <T extends Value>(kind: Kind<T>) => ({ kind, absent: 'null' }) as const;

/** How one type of line becomes rows of one table. Columns are the fields' names in snake_case. */
interface Table {
  readonly table: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Columns no line gives: they repeat what a referenced row says. */
  readonly derived: Readonly<Record<string, Kind>>;
  /** Fields that tie a row to others: an update must repeat them. */
  readonly fixed: readonly string[];
  /** What rows below this one need to know of it; none of it ever changes. */
  readonly place: readonly string[];
  /** Sets of fields that no two rows may have alike. */
  readonly unique: readonly (readonly string[])[];
  /** Fields that hold the id of another row, and of which type. */
  readonly references: Readonly<Record<string, EntityType>>;
}

export const TABLES = {
  campaign: {
    table: 'campaign',
    fields: {
      id: required(name),
      projectId: required(id),
      name: required(name),
      campaignType: required(oneOf('campaign_type', ['POC', 'FORMAL'])),
      workflowType: nullable(text),
      folderName: nullable(text),
      taxonomyVersionName: nullable(text),
    },
    derived: {},
    fixed: [],
    place: [],
    unique: [['projectId'], ['name']],
    references: {},
  },
  annotationRequest: {
    table: 'annotation_request',
    fields: {
      id: required(name),
      name: required(name),
      campaignId: required(name),
      createdAt: { kind: instant, absent: 'importTime' },
    },
    derived: {},
    fixed: ['campaignId'],
    place: ['campaignId'],
    unique: [['name']],
    references: { campaignId: 'campaign' },
  },
  pool: {
    table: 'pool',
    fields: {
      id: required(id),
      name: required(name),
      poolType: required(int),
      campaignId: required(name),
    },
    derived: {},
    fixed: ['campaignId'],
    place: ['campaignId'],
    unique: [],
    references: { campaignId: 'campaign' },
  },
  task: {
    table: 'task',
    fields: {
      id: required(id),
      annotationRequestId: required(name),
      sceneId: required(name),
      status: required(int),
      poolId: required(id),
      instanceInfo: required(instanceInfo),
      instanceNum: required(int),
      attributeNum: required(int),
      frameNum: required(int),
      lastRecordId: nullable(id),
    },
    derived: { campaignId: name },
    fixed: ['annotationRequestId', 'sceneId'],
    place: ['annotationRequestId', 'campaignId'],
    unique: [['annotationRequestId', 'sceneId']],
    references: { annotationRequestId: 'annotationRequest', poolId: 'pool' },
  },
  annotationHistory: {
    table: 'annotation_history',
    fields: {
      id: required(id),
      taskId: required(id),
      status: required(int),
      poolId: required(id),
      teamId: nullable(id),
      poolAssigneeId: nullable(id),
      creatorId: nullable(id),
      createdTime: required(instant),
      actionType: required(int),
      instanceInfo: required(instanceInfo),
      instanceNum: required(int),
      instanceSum: required(int),
      attributesNum: required(int),
      attributesSum: required(int),
      frameCount: required(int),
    },
    derived: { annotationRequestId: name, campaignId: name },
    fixed: [],
    place: [],
    unique: [],
    references: { taskId: 'task', poolId: 'pool' },
  },
} as const satisfies {
  // Exactly the fields of the domain's entity.
  [T in EntityType]: Table & {
    fields: Record<Exclude<keyof Extract<Entity, { type: T }>, 'type'>, Field>;
  };
};

type Tables = typeof TABLES;
type FieldNames<T extends EntityType, A extends Absent> = {
  [F in keyof Tables[T]['fields']]: Tables[T]['fields'][F] extends Field<Value, A> ? F : never;
}[keyof Tables[T]['fields']];
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The fields a line gives. An absent one is not there; null is there where it clears what is stored. */
export type LineFields<T extends EntityType> = {
  readonly [F in FieldNames<T, 'refused'>]: ValueOf<Tables[T]['fields'][F]>;
} & {
  readonly [F in FieldNames<T, 'null'>]?: ValueOf<Tables[T]['fields'][F]> | null;
} & {
  readonly [F in FieldNames<T, 'importTime'>]?: ValueOf<Tables[T]['fields'][F]>;
};

/** A line whose every field is valid in itself. */
export type Line<T extends EntityType = EntityType> = {
  [K in T]: { readonly number: number; readonly type: K; readonly fields: LineFields<K> };
}[T];

/** A whole row, as it is or will be stored. */
export type Row = Readonly<Record<string, Value>> & { readonly id: string };

/** The table of a type, for code that treats all types alike. */
export function tableOf(type: EntityType): Table {
  return TABLES[type];
}

/** What `make` gives for each type, made once: code that runs for each line goes through lists and not through objects. */
function forEachType<T>(make: (type: EntityType) => T): Readonly<Record<EntityType, T>> {
  const entries = ENTITY_TYPES.map((type) => [type, make(type)] as const);
  return Object.fromEntries(entries) as Record<EntityType, T>;
}

/** The fields of each type, with their names. */
export const FIELDS = forEachType((type) =>
  Object.entries(tableOf(type).fields).map(([name, field]) => ({ name, ...field })),
);

/** The fields of each type that hold the id of another row. */
export const REFERENCES = forEachType((type) =>
  Object.entries(tableOf(type).references).map(([field, target]) => ({ field, target })),
);
