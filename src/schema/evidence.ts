import type { ObjectRef } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import type { GraphQLResolveInfo } from 'graphql';
import type { Cell, Evidence } from '../database/evidence.ts';
import { readKeysetPage, toConnection } from '../domain/paging.ts';
import { AnnotationHistoryConnection } from './annotation-history.ts';
import { builder } from './builder.ts';
import type { MeasuredConnection } from './connections.ts';
import type { GatewayContext } from './context.ts';
import { evidenceCost } from './costs.ts';
import { ROW_PATHS, wantsRows } from './lists.ts';
import { loadType, pathOf } from './nodes.ts';
import { TaskConnection } from './task.ts';
import { SURVIVES } from './wording.ts';

type BuilderTypes = (typeof builder)['$inferSchemaTypes'];

/** A number that can show the rows it was made of. */
export interface Evident<Values> extends Cell<Values> {
  readonly evidence: Evidence<Values>;
}

/** A number whose rows are found by the very row that tells it. */
export function byRow<Values, Row extends Values & { readonly cell: string }>(
  row: Row,
  evidence: Evidence<Values>,
): Evident<Values> {
  return { cell: row.cell, values: row, evidence };
}

interface PageArguments {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

async function resolveEvidence<Values>(
  { cell, values, evidence }: Evident<Values>,
  args: PageArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<MeasuredConnection> {
  const noun = evidence.model;
  const page = readKeysetPage(noun, args);
  const path = pathOf(info);
  const number = { cell, values };
  const found = context.loaders.evidence(path, evidence);
  const readRows = async () => {
    const selection = queryFromInfo({
      context,
      info,
      select: { id: true },
      paths: ROW_PATHS,
    });
    const rows = context.loaders.rows(path, (ids) =>
      loadType(noun, ids as never[], context, selection),
    );
    const { size, backward } = page;
    const [after, before] = [page.after?.[0], page.before?.[0]] as (bigint | undefined)[];
    const read = await found
      .page({ after, before, backward, take: size + 1 }, (ids) =>
        Promise.all(ids.map(async (id) => (await rows.load(id))!)),
      )
      .load(number);
    return read as { id: bigint }[];
  };
  return {
    ...toConnection(noun, page, wantsRows(context, info) ? await readRows() : []),
    totalCount: () => found.count(number),
    aggregate: () => found.aggregate().load(number),
    groupBy: (keys) => found.groups(keys).load(number),
  };
}

const PAGE_ARGUMENTS = builder.args((t) => ({ ...t.connectionArgs() }));

/**
 * The options of a field that lists the very records or tasks behind a number, by id ascending.
 * @param toEvident what the rows are found by.
 */
function evidenceField<Parent, Values>(
  noun: 'Task' | 'AnnotationHistory',
  type: ObjectRef<BuilderTypes, MeasuredConnection>,
  description: string,
  toEvident: (parent: Parent) => Evident<Values>,
) {
  return {
    description: `${description} ${SURVIVES}`,
    type,
    nullable: true,
    args: PAGE_ARGUMENTS,
    ...evidenceCost(noun),
    resolve: (
      parent: Parent,
      args: PageArguments,
      context: GatewayContext,
      info: GraphQLResolveInfo,
    ) => resolveEvidence(toEvident(parent), args, context, info),
  } as const;
}

/** A field that lists the records behind a number, by `recordId` ascending. */
export function recordsField<Parent, Values>(
  description: string,
  toEvident: (parent: Parent) => Evident<Values>,
) {
  return evidenceField('AnnotationHistory', AnnotationHistoryConnection, description, toEvident);
}

/** A field that lists the tasks behind a number, by `taskId` ascending. */
export function tasksField<Parent, Values>(
  description: string,
  toEvident: (parent: Parent) => Evident<Values>,
) {
  return evidenceField('Task', TaskConnection, description, toEvident);
}
