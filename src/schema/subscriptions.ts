import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeRead } from '../database/changes.ts';
import type { PrismaClient } from '../database/generated/client/client.ts';
import { withinSight } from '../database/scoped.ts';
import { NOUN_OF_TYPE, readWatermark, scopeOfTypes, writeWatermark } from '../domain/changes.ts';
import { GatewayError } from '../domain/errors.ts';
import { isTextId } from '../domain/ids.ts';
import { filterWhere, type Filter, type Where } from '../domain/lists/where.ts';
import type { Progress } from '../domain/progress.ts';
import type { Viewer } from '../domain/viewer.ts';
import { follow, type Consumer } from '../feed/follow.ts';
import type { FeedPage, FollowedType } from '../feed/page.ts';
import { progressByKey } from '../loaders/work.ts';
import { AnnotationHistory } from './annotation-history.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { measureCost } from './costs.ts';
import { FILTERS } from './list-inputs.ts';
import { loadType, selectionOf } from './nodes.ts';
import { eventOf, subscription } from './subscription.ts';
import { Task } from './task.ts';
import { ProgressRef } from './work.ts';

/** Milliseconds between two events of the progress of a request. */
const PROGRESS_INTERVAL_MS = 1000;

/** A row that was made or changed. */
interface RowEvent {
  readonly change: ChangeRead;
  readonly page: FeedPage;
  readonly where: Where | undefined;
}

/** What of a viewer decides over what he is told: it is found out once for those of whom all of it is alike. */
const sightOf = ({ campaigns, people }: Viewer) => [campaigns ?? null, people];

/** The fields of an event about a row of a type. */
function rowEventType(
  name: string,
  type: FollowedType,
  fields: { key: string; row: string; type: typeof Task | typeof AnnotationHistory },
  description: string,
) {
  const noun = NOUN_OF_TYPE[type];
  return builder.objectRef<RowEvent>(name).implement({
    description,
    fields: (t) => ({
      [fields.key]: t.field({
        type: 'BigInt',
        description: "Rosetta's own id of the row.",
        resolve: ({ change }) => BigInt(change.id),
      }),
      [fields.row]: t.field({
        // Either has rows of its own type, which `loadType` reads.
        type: fields.type,
        nullable: true,
        description:
          'The row as it is now, which may be newer than this event: then it comes once more. Null when it was deleted since.',
        resolve: async ({ change, page, where }, _args, context, info) => {
          const selection = selectionOf(noun, context, info);
          const asked = [type, where, selection, sightOf(context.viewer)];
          const rows = await page.once('rows', asked, async () => {
            const ids = (await page.matching(type, where)).map(({ id }) => BigInt(id));
            return loadType(noun, ids, context, selection);
          });
          return (rows.get(change.id) as { id: bigint } | undefined) ?? null;
        },
      }),
      watermark: t.string({
        description:
          'What to give as `after` to go on behind this event; `changes` of this type alone takes it too. Opaque.',
        resolve: ({ change }) => writeWatermark(scopeOfTypes([type]), change.watermark),
      }),
    }),
  });
}

const TaskChange = rowEventType(
  'TaskChange',
  'task',
  { key: 'taskId', row: 'task', type: Task },
  'A task was created or updated.',
);
const AppendedRecord = rowEventType(
  'AppendedRecord',
  'annotationHistory',
  { key: 'recordId', row: 'record', type: AnnotationHistory },
  'A record was added to the history.',
);

interface RowArguments {
  filter?: Filter | null | undefined;
  after?: string | null | undefined;
}

async function* rowEvents(
  { feed, viewer }: GatewayContext,
  type: FollowedType,
  { filter, after }: RowArguments,
  consumer: Consumer,
): AsyncGenerator<RowEvent, void> {
  const noun = NOUN_OF_TYPE[type];
  const where = withinSight(noun, filterWhere(noun, filter), viewer) as Where | undefined;
  const start = typeof after === 'string' ? readWatermark(after, scopeOfTypes([type])) : undefined;
  for await (const page of follow(feed, type, consumer, start)) {
    for (const change of await page.matching(type, where)) yield { change, page, where };
  }
}

async function checkRequest(prisma: PrismaClient, id: string): Promise<void> {
  const request = isTextId(id)
    ? await prisma.annotationRequest.findUnique({ where: { id }, select: { id: true } })
    : null;
  if (!request) {
    throw new GatewayError('BAD_USER_INPUT', 'There is no annotation request of that id.');
  }
}

async function* progressEvents(
  { feed, prisma, viewer }: GatewayContext,
  id: string,
  { signal }: Consumer,
): AsyncGenerator<Progress, void> {
  await checkRequest(prisma, id);
  let page: FeedPage | undefined;
  let reason: { error: unknown } | undefined;
  let notify: (() => void) | undefined;
  signal.addEventListener('abort', () => notify?.(), { once: true });
  const member = {
    type: 'task',
    take(one: FeedPage) {
      if (!one.changes.some(({ request }) => request === id)) return;
      page = one;
      notify?.();
    },
    end(error: unknown) {
      reason = { error };
      notify?.();
    },
  } as const;
  await feed.join(member, signal);

  let told = await progressByKey(prisma, 'tasksOfRequest').load(id);
  yield told;
  for (;;) {
    await sleep(PROGRESS_INTERVAL_MS, undefined, { signal });
    while (!page && !reason && !signal.aborted) {
      await new Promise<void>((resolve) => (notify = resolve));
    }
    signal.throwIfAborted();
    if (!page) throw reason!.error;
    const latest = page;
    page = undefined;
    const progress = await latest.once('progress', [id, sightOf(viewer)], () =>
      progressByKey(prisma, 'tasksOfRequest').load(id),
    );
    if (JSON.stringify(progress) !== JSON.stringify(told)) yield (told = progress);
  }
}

const AFTER =
  'A `watermark` of an earlier event, or of `watermark` or `changes` of this type alone: what has changed since then comes first. Absent: what changes from now on.';

builder.subscriptionType({
  description:
    'What happens, as it happens: over server-sent events or WebSocket. Where one ends before its time, its last event is an error with the reason.',
});

builder.subscriptionFields((t) => ({
  taskChanged: t.field({
    description:
      'The tasks that were created or updated, whoever did it, and that fulfil the filter now. None is left out and none comes twice without having been changed in between. Deleted tasks are told by `changes`.',
    type: TaskChange,
    args: {
      filter: t.arg({ type: FILTERS.Task, description: 'Which tasks.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, args, context) =>
      subscription(context, (consumer) => rowEvents(context, 'task', args, consumer)),
    resolve: (event) => eventOf(event),
  }),
  historyAppended: t.field({
    description:
      'The records that were added to the history, whoever did it, and that fulfil the filter: each once.',
    type: AppendedRecord,
    args: {
      filter: t.arg({ type: FILTERS.AnnotationHistory, description: 'Which records.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe: (_root, args, context) =>
      subscription(context, (consumer) => rowEvents(context, 'annotationHistory', args, consumer)),
    resolve: (event) => eventOf(event),
  }),
  progressChanged: t.field({
    description:
      'How far the tasks of an annotation request are: at once, and whenever that has changed, at most once a second.',
    type: ProgressRef,
    ...measureCost('AnnotationRequest', 1),
    args: {
      annotationRequestId: t.arg.string({
        required: true,
        description: "Helix's id of the request.",
      }),
    },
    subscribe: (_root, { annotationRequestId: id }, context) =>
      subscription(context, (consumer) => progressEvents(context, id, consumer)),
    resolve: (event) => eventOf(event),
  }),
}));
