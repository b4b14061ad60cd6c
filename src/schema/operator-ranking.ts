import type { GraphQLResolveInfo } from 'graphql';
import type { RangeKey } from '../database/ranges.ts';
import { LISTS } from '../domain/lists/fields.ts';
import type { OrderArgument } from '../domain/lists/order.ts';
import { allOf, filterWhere } from '../domain/lists/where.ts';
import { readKeysetPage, type ConnectionArguments } from '../domain/paging.ts';
import { readTimeZone } from '../domain/time.ts';
import {
  identityOf,
  readWorkloadGrouping,
  WORKLOAD_MEASURES,
  type WorkloadMeasure,
} from '../domain/workload.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { reportCost } from './costs.ts';
import { constantCase } from './enums.ts';
import { FILTERS } from './list-inputs.ts';
import { reportConnectionType, type ReportConnection } from './reports.ts';
import { TIME_ZONE_ARGUMENT } from './time.ts';
import { readGroups, selectedMeasures, WorkloadRef, type WorkloadGroup } from './workload.ts';
import { SURVIVES } from './wording.ts';

/** An operator's place among the operators of a campaign. */
interface Ranked extends WorkloadGroup {
  readonly rank: number;
}

const OperatorRank = builder.objectRef<Ranked>('OperatorRank').implement({
  description: 'An operator and the place that a measure gives it among the others.',
  fields: (t) => ({
    rank: t.exposeInt('rank', {
      description:
        'The place, from 1: one more than there are operators with more. Equals share it.',
    }),
    poolAssigneeId: t.field({
      type: 'BigInt',
      description: 'The operator.',
      resolve: ({ keys }) => keys.poolAssigneeId as bigint,
    }),
    workload: t.field({
      type: WorkloadRef,
      description: "What the operator's records come to.",
      resolve: (group) => group,
    }),
  }),
});

const OperatorRankConnection = reportConnectionType(
  'OperatorRank',
  'operators by rank',
  OperatorRank,
);

const RankBy = builder.enumType('OperatorRankBy', {
  description: 'The measures that operators can be ranked by, the greatest first.',
  values: Object.fromEntries(
    WORKLOAD_MEASURES.filter((name) => LISTS.Workload.fields[name]!.kind !== 'instant').map(
      (name) => [
        constantCase(name),
        { value: name, description: `By \`${name}\` of their workload.` },
      ],
    ),
  ),
});

interface RankingArguments extends Pick<
  ConnectionArguments,
  'first' | 'last' | 'after' | 'before' | 'filter'
> {
  by: WorkloadMeasure;
  timeZone?: string | null | undefined;
}

function resolveRanking(
  parent: RangeKey,
  { by, filter, timeZone, ...pageArguments }: RankingArguments,
  context: GatewayContext,
  info: GraphQLResolveInfo,
): Promise<ReportConnection<Ranked>> {
  const grouping = readWorkloadGrouping(['poolAssigneeId']);
  const orderArgument: OrderArgument = { field: by, direction: 'desc' };
  const page = readKeysetPage(
    'Workload',
    { ...pageArguments, orderBy: [orderArgument] },
    identityOf(grouping),
  );
  const request = {
    workload: {
      scope: 'Campaign',
      where: allOf({ poolAssigneeId: { not: null } }, filterWhere('AnnotationHistory', filter)),
      grouping,
      timeZone: readTimeZone(timeZone),
    },
    page,
    measures: new Set([by, ...selectedMeasures(info, ['workload'])]),
    rankBy: by,
  } as const;
  return readGroups(
    request,
    (group) => ({ ...group, rank: group.row.rank as number }),
    parent,
    context,
    info,
  );
}

/** The options of a field that ranks the operators of a campaign. */
export const OPERATOR_RANKING = {
  description: `The operators who acted in this campaign, or whose submissions were sent back, by a measure of their workload, the greatest first; equals by \`poolAssigneeId\`. ${SURVIVES}`,
  type: OperatorRankConnection,
  nullable: true,
  args: builder.args((t) => ({
    by: t.field({ type: RankBy, required: true, description: 'What gives the rank.' }),
    filter: t.field({
      type: FILTERS.AnnotationHistory,
      description: 'Only records like this are counted.',
    }),
    ...TIME_ZONE_ARGUMENT,
    ...t.connectionArgs(),
  })),
  ...reportCost('Workload', 'Campaign', 20),
  resolve: (
    { id }: { id: RangeKey },
    args: RankingArguments,
    context: GatewayContext,
    info: GraphQLResolveInfo,
  ) => resolveRanking(id, args, context, info),
} as const;
