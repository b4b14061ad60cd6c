import type { ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { Group } from '../loaders/measures.ts';
import type { Aggregate } from '../domain/lists/measures.ts';
import { GROUP_KEYS, type GroupKey } from '../domain/lists/group-keys.ts';
import type { Noun } from '../domain/nouns.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import {
  CampaignType,
  constantCase,
  knownPoolType,
  knownTaskAction,
  knownTaskStatus,
  PoolType,
  TaskAction,
  TaskStatus,
} from './enums.ts';
import { loadType, pathOf, selectionOf } from './nodes.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** What has the values of keys, by their names. */
interface Keyed {
  readonly keys: Group['keys'];
}

type FieldBuilder = PothosSchemaTypes.ObjectFieldBuilder<BuilderTypes, Keyed>;

/** The type of each noun's rows, noted as they are made: groups lead to types that lead to groups. */
const NODES = new Map<Noun, ObjectRef<BuilderTypes, object>>();

const CODES = {
  taskStatus: [TaskStatus, knownTaskStatus],
  taskAction: [TaskAction, knownTaskAction],
  poolType: [PoolType, knownPoolType],
} as const;

/** The row that a group's key names, read together with those of all groups below the same field. */
function rowOf(noun: Noun, id: string | bigint, context: GatewayContext, info: GraphQLResolveInfo) {
  const selection = selectionOf(noun, context, info);
  return context.loaders
    .rows(pathOf(info), (ids) => loadType(noun, ids as never[], context, selection))
    .load(id);
}

/** The options of a field that leads to a row by its id. */
export function rowField<Parent>(
  noun: Noun,
  description: string,
  idOf: (parent: Parent) => string | bigint,
) {
  return {
    type: NODES.get(noun)!,
    nullable: true,
    description,
    resolve: (parent: Parent, _args: object, context: GatewayContext, info: GraphQLResolveInfo) =>
      rowOf(noun, idOf(parent), context, info),
  } as const;
}

/** The fields that show what the rows of a group have in common. */
export function keyFields(t: FieldBuilder, name: string, { kind }: GroupKey) {
  const common = `null unless \`${constantCase(name)}\` is among the keys`;
  if (typeof kind === 'object') {
    return {
      [name]: t.field({
        type: NODES.get(kind.row)!,
        nullable: true,
        description: `The ${kind.row} of the group's rows; ${common}.`,
        resolve: ({ keys }, _args, context, info) => {
          const id = keys[name];
          return id === undefined || id === null
            ? null
            : rowOf(kind.row, id as string | bigint, context, info);
        },
      }),
    };
  }
  if (kind === 'bigint') {
    return {
      [name]: t.field({
        type: 'BigInt',
        nullable: true,
        description: `The \`${name}\` of the group's rows; null for rows without it, and ${common}.`,
        resolve: ({ keys }) => (keys[name] as bigint | null | undefined) ?? null,
      }),
    };
  }
  if (kind === 'text') {
    return {
      [name]: t.string({
        nullable: true,
        description: `The \`${name}\` of the group's rows; null for rows without it, and ${common}.`,
        resolve: ({ keys }) => (keys[name] as string | null | undefined) ?? null,
      }),
    };
  }
  if (kind === 'campaignType') {
    return {
      [name]: t.field({
        type: CampaignType,
        nullable: true,
        description: `The \`${name}\` of the group's rows; ${common}.`,
        resolve: ({ keys }) => (keys[name] as 'POC' | 'FORMAL' | undefined) ?? null,
      }),
    };
  }
  const [type, known] = CODES[kind];
  return {
    [name]: t.field({
      type: type,
      nullable: true,
      description: `The \`${name}\` of the group's rows; null for a code that no document lists, and ${common}.`,
      resolve: ({ keys }) => (keys[name] === undefined ? null : known(keys[name] as number)),
    }),
    [`${name}Code`]: t.int({
      nullable: true,
      description: `The number behind \`${name}\`, also where that is null; ${common}.`,
      resolve: ({ keys }) => (keys[name] as number | undefined) ?? null,
    }),
  };
}

/** The type of a noun's groups, and that of the keys they are made by. */
export function groupTypes(
  noun: Noun,
  nodes: ObjectRef<BuilderTypes, unknown>,
  aggregate: ObjectRef<BuilderTypes, Aggregate>,
) {
  NODES.set(noun, nodes as ObjectRef<BuilderTypes, object>);
  const keys = Object.entries(GROUP_KEYS[noun]);
  const key = builder.enumType(`${noun}GroupKey`, {
    description: `What rows of ${noun} can be grouped by.`,
    values: Object.fromEntries(
      keys.map(([name, { through }]) => [
        constantCase(name),
        {
          value: name,
          description: through
            ? `By the \`type\` of their \`${through}\`.`
            : `By their \`${name}\`.`,
        },
      ]),
    ),
  });
  const group = builder.objectRef<Group>(`${noun}Group`).implement({
    description: `Rows of ${noun} that have the same value for each key.`,
    fields: (t) => ({
      ...(Object.assign(
        {},
        ...keys.map(([name, spec]) => keyFields(t as unknown as FieldBuilder, name, spec)),
      ) as ReturnType<typeof keyFields>),
      aggregate: t.field({
        type: aggregate,
        description: "What the group's rows come to.",
        resolve: (one) => one.aggregate,
      }),
    }),
  });
  return { key, group };
}
