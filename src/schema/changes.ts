import { costs } from '../cost/declare.ts';
import { readChanges, readWatermarkOfNow } from '../database/changes.ts';
import {
  CHANGE_RANKS,
  DEFAULT_CHANGES,
  MAX_CHANGES,
  MAX_SCOPE_IDS,
  NOUN_OF_TYPE,
  readChangesArguments,
  readWatermark,
  writeWatermark,
  type ChangeKind,
  type ChangePosition,
  type ChangesArguments,
} from '../domain/changes.ts';
import { readId } from '../domain/nouns.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { ROWS_OF_PAGE } from './costs.ts';
import { EntityType } from './enums.ts';
import { loadType, pathOf, selectionOf } from './nodes.ts';

const KINDS: Readonly<Record<ChangeKind, { description: string }>> = {
  UPSERTED: { description: 'The row was created or updated.' },
  DELETED: { description: 'The row was deleted, and does not exist now.' },
};
const ChangeKindRef = builder.enumType('ChangeKind', {
  description: 'What became of a row.',
  values: KINDS,
});

const ChangeRef = builder.objectRef<ChangePosition>('Change').implement({
  description: 'A row that was created, updated or deleted.',
  fields: (t) => ({
    type: t.field({
      description: 'The type of the row.',
      type: EntityType,
      resolve: ({ rank }) => CHANGE_RANKS[rank]!.type,
    }),
    kind: t.field({
      description: 'What became of it.',
      type: ChangeKindRef,
      resolve: ({ rank }) => CHANGE_RANKS[rank]!.kind,
    }),
    key: t.exposeString('id', {
      description: "Rosetta's own id of the row; digits where that is a number.",
    }),
    node: t.field({
      description:
        'The row as it is now, which may be newer than this change: then it comes once more. Null when it was deleted, if only since this page was read: then DELETED follows.',
      type: builder.nodeInterfaceRef(),
      nullable: true,
      resolve: async ({ rank, id }, _args, context, info) => {
        const { type, kind } = CHANGE_RANKS[rank]!;
        if (kind === 'DELETED') return null;
        const noun = NOUN_OF_TYPE[type];
        const selection = selectionOf(noun, context, info);
        return context.loaders
          .rows(`${pathOf(info)} ${noun}`, (ids) =>
            loadType(noun, ids as never[], context, selection),
          )
          .load(readId(noun, id)!);
      },
    }),
  }),
});

interface Page {
  entries: readonly ChangePosition[];
  watermark: string;
  hasMore: boolean;
}

const ChangesPageRef = builder.objectRef<Page>('ChangesPage').implement({
  description: 'A page of changes.',
  fields: (t) => ({
    entries: t.field({
      description:
        'The changes, oldest first: by transaction; within one, deletions first. A row that was changed several times stands where it was changed last.',
      type: [ChangeRef],
      ...ROWS_OF_PAGE,
      resolve: ({ entries }) => entries,
    }),
    watermark: t.exposeString('watermark', {
      description:
        'What to give as `after` to go on from here, at once or days later; an empty page has one too. Opaque.',
    }),
    hasMore: t.exposeBoolean('hasMore', { description: 'Whether more changes follow already.' }),
  }),
});

const ChangesFilterRef = builder
  .inputRef<NonNullable<NonNullable<ChangesArguments['filter']>>>('ChangesFilter')
  .implement({
    description: 'Whose changes; all conditions that are given must hold.',
    fields: (t) => ({
      campaignIds: t.stringList({
        description: `These campaigns, and the requests, pools, tasks and records in them, deleted ones too. At most ${MAX_SCOPE_IDS} ids; unknown ones contribute nothing. Absent: all; \`[]\`: none.`,
      }),
      annotationRequestIds: t.stringList({
        description: `These requests, and their tasks and records, deleted ones too; neither campaigns nor pools, which belong to no request. At most ${MAX_SCOPE_IDS} ids; unknown ones contribute nothing. Absent: all; \`[]\`: none.`,
      }),
    }),
  });

async function resolveChanges(args: ChangesArguments, { prisma }: GatewayContext): Promise<Page> {
  const { scope, size } = readChangesArguments(args);
  const { after } = args;
  const start = typeof after === 'string' ? readWatermark(after, scope) : undefined;
  const { changes, watermark, hasMore } = await readChanges(prisma, start, scope, size);
  return { entries: changes, watermark: writeWatermark(scope, watermark), hasMore };
}

const SCOPE_ARGUMENTS = builder.args((t) => ({
  types: t.field({
    type: [EntityType],
    description: 'Only rows of these types. Absent: all; `[]`: none.',
  }),
  filter: t.field({ type: ChangesFilterRef, description: 'Only rows that belong to these.' }),
}));

builder.queryFields((t) => ({
  watermark: t.string({
    description:
      'The watermark of this moment, for `changes` of the same types and filter, or for a subscription: take it, read what there is, and follow what changes from here on.',
    args: SCOPE_ARGUMENTS,
    resolve: async (_root, args, { prisma }) => {
      const { scope } = readChangesArguments(args);
      return writeWatermark(scope, await readWatermarkOfNow(prisma));
    },
  }),
  changes: t.field({
    description:
      'The rows that were created, updated or deleted since a watermark: none is ever left out, none comes twice without having been changed in between. A change can be seen as soon as it is committed.',
    type: ChangesPageRef,
    args: {
      after: t.arg.string({
        description:
          'A `watermark` of an earlier page of the same types and filter; absent: all rows there are, and what was deleted.',
      }),
      ...SCOPE_ARGUMENTS,
      first: t.arg.int({
        description: `How many changes: ${DEFAULT_CHANGES} unless told, at most ${MAX_CHANGES}.`,
      }),
    },
    ...costs({ page: { from: ['first'], unless: DEFAULT_CHANGES, max: MAX_CHANGES } }),
    resolve: (_root, args, context) => resolveChanges(args, context),
  }),
}));
