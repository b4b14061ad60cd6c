import { PEOPLE_FIELDS, peopleAreHidden, type Viewer } from '../domain/viewer.ts';
import { Prisma, type PrismaClient } from './generated/client/client.ts';
import { shareRollUps } from './rollups.ts';
import {
  checkCounted,
  OPERATOR,
  setRules,
  withoutSmallGroups,
  type AnswerRow,
} from './small-groups.ts';
import type { ReadTexts, Statement } from './texts.ts';
import { columnOf } from './where.ts';

/**
 * The one place that keeps viewers to what exists for them: a client that has no way to a row of another campaign, or to who
 * did something, where that is hidden. Resolvers and loaders get no other client. Rows of one campaign refer to no row of
 * another, which foreign keys see to, so that what is reached from a row that may be seen may be seen as well.
 */

/** What of a viewer decides over rows. */
export interface Sight extends Pick<Viewer, 'campaigns' | 'people'> {
  /** How many operators a group has at least of whose work he is told, where people are hidden from him. */
  readonly minGroup: number;
}

/** How many operators a group must have that he may be told of; undefined where any may. */
export function minGroupFor({ people, minGroup }: Sight): number | undefined {
  return people === 'hidden' && minGroup > 1 ? minGroup : undefined;
}

/** The column of each table that holds the campaign. */
const CAMPAIGN_COLUMNS = {
  campaign: 'id',
  annotation_request: 'campaign_id',
  pool: 'campaign_id',
  task: 'campaign_id',
  annotation_history: 'campaign_id',
  deleted_row: 'campaign_id',
  workload_day: 'campaign_id',
  workload_stale: 'campaign_id',
};

/** The columns of the history, those that tell who did something empty; and one to count operators by. */
const COLUMNS_WITHOUT_PEOPLE = [
  ...Object.keys(Prisma.AnnotationHistoryScalarFieldEnum).map((name) =>
    PEOPLE_FIELDS.has(name) ? `NULL::bigint AS ${columnOf(name)}` : columnOf(name),
  ),
  'changed_in',
  `${columnOf('poolAssigneeId')} AS ${OPERATOR}`,
].join(', ');

/** What stands for the columns of a table from whom people are hidden; of roll-ups, which are by people, there is nothing. */
const WITHOUT_PEOPLE: Readonly<Record<string, string>> = {
  annotation_history: COLUMNS_WITHOUT_PEOPLE,
  workload_day: '',
};

/**
 * A statement that sees what a viewer sees: each table stands for a part of itself, as if that were all there is.
 * PostgreSQL takes such a part apart again, so that its indexes serve.
 */
export function seenBy(
  { campaigns, people }: Pick<Sight, 'campaigns' | 'people'>,
  statement: Prisma.Sql,
): Prisma.Sql {
  return seesAll({ campaigns, people }) ? statement : seenInPart({ campaigns, people }, statement);
}

const seesAll = ({ campaigns, people }: Pick<Sight, 'campaigns' | 'people'>) =>
  !campaigns && people === 'shown';

function seenInPart(
  { campaigns, people }: Pick<Sight, 'campaigns' | 'people'>,
  statement: Pick<Statement, 'strings' | 'values'>,
): Prisma.Sql {
  const parts = Object.entries(CAMPAIGN_COLUMNS).map(([table, column]) => {
    const columns = (people === 'hidden' ? WITHOUT_PEOPLE[table] : undefined) ?? '*';
    const condition = campaigns
      ? Prisma.sql`${Prisma.raw(column)} = ANY (${campaigns}::text[])`
      : Prisma.sql`true`;
    return Prisma.sql`${Prisma.raw(table)} AS NOT MATERIALIZED (
      SELECT ${Prisma.raw(columns)} FROM public.${Prisma.raw(table)} WHERE ${condition})`;
  });
  // A statement with parts of its own has them after these.
  const [first = '', ...rest] = statement.strings;
  const [, own] = /^\s*WITH\s([^]*)$/i.exec(first) ?? [];
  const strings = own === undefined ? [`\n${first}`, ...rest] : [`, ${own}`, ...rest];
  return Prisma.sql`WITH ${Prisma.join(parts)} ${new Prisma.Sql(strings, statement.values)}`;
}

const inCampaigns = (campaigns: readonly string[]) => ({ campaignId: { in: [...campaigns] } });

/** The condition of each model that keeps its rows to some campaigns. */
const CONDITIONS: Readonly<Record<string, (campaigns: readonly string[]) => object>> = {
  Campaign: (campaigns) => ({ id: { in: [...campaigns] } }),
  AnnotationRequest: inCampaigns,
  Pool: inCampaigns,
  Task: inCampaigns,
  AnnotationHistory: inCampaigns,
};

/** The condition that keeps rows of a model to those a viewer sees; undefined where he sees all. */
function seenWhere(model: keyof typeof CONDITIONS, { campaigns }: Pick<Sight, 'campaigns'>) {
  return campaigns && CONDITIONS[model]!(campaigns);
}

/** What reads rows of a model, and takes a condition. */
const READS: ReadonlySet<string> = new Set([
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'count',
  'aggregate',
  'groupBy',
]);

/** The parts of a query by whose answer a value could be found out that is not shown. */
const ASKS: ReadonlySet<string> = new Set([
  'where',
  'orderBy',
  'cursor',
  'distinct',
  'by',
  'having',
]);

/** Whether a query filters, orders or groups by who did something. */
export function asksForPeople(value: unknown, asks = false): boolean {
  if (typeof value === 'string') return asks && PEOPLE_FIELDS.has(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((one) => asksForPeople(one, asks));
  return Object.entries(value).some(
    ([name, one]) =>
      (asks && PEOPLE_FIELDS.has(name)) || asksForPeople(one, asks || ASKS.has(name)),
  );
}

/**
 * The condition of a viewer's own on rows of a model, kept to what he sees: for those who read with no client of his.
 * @throws GatewayError (FORBIDDEN) where it is about people who are hidden from him.
 */
export function withinSight(
  model: keyof typeof CONDITIONS,
  where: object | undefined,
  sight: Pick<Sight, 'campaigns' | 'people'>,
): object | undefined {
  if (sight.people === 'hidden' && asksForPeople(where, true)) throw peopleAreHidden();
  const seen = seenWhere(model, sight);
  return seen && where ? { AND: [where, seen] } : (seen ?? where);
}

function refuse(operation: string): never {
  throw new Error(`A viewer who does not see all has no way to ${operation}.`);
}

/** What adds up rows, beside a count: records are added up by statements that count their operators too. */
const ADDS_UP: ReadonlySet<string> = new Set(['aggregate', 'groupBy']);

/** @param minGroup how many operators a group must have for its numbers to get through; undefined: any. */
function createClientOf(
  prisma: PrismaClient,
  sight: Sight,
  minGroup: number | undefined,
): PrismaClient {
  const { people } = sight;
  const nothing = { needs: {}, compute: () => null };
  const hidden = Object.fromEntries([...PEOPLE_FIELDS].map((name) => [name, nothing]));
  const client = prisma.$extends({
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          if (!(model in CONDITIONS) || !READS.has(operation)) refuse(`${operation} ${model}`);
          if (people === 'hidden' && asksForPeople(args)) throw peopleAreHidden();
          if (people === 'hidden' && ADDS_UP.has(operation)) refuse(`${operation} ${model}`);
          const condition = seenWhere(model, sight);
          if (!condition) return query(args);
          const { where = {} } = args as { where?: Record<string, unknown> };
          const all = [condition, ...[where.AND ?? []].flat()];
          return query({ ...args, where: { ...where, AND: all } });
        },
      },
      async $queryRaw({ args, query }) {
        if (minGroup !== undefined) checkCounted(args);
        const rows = (await query(seenBy(sight, args))) as AnswerRow[];
        return minGroup === undefined ? rows : withoutSmallGroups(rows, minGroup);
      },
      $executeRaw: () => refuse('$executeRaw'),
      $queryRawUnsafe: () => refuse('$queryRawUnsafe'),
      $executeRawUnsafe: () => refuse('$executeRawUnsafe'),
    },
    ...(people === 'hidden' && { result: { annotationHistory: hidden } }),
  });
  return client as unknown as PrismaClient;
}

/**
 * The reader of texts that a viewer's requests read by: rows one by one, and how many there are. What records add up to is
 * for the client to read, which knows of how many people that may be told.
 */
export function textsFor(read: ReadTexts, sight: Sight): ReadTexts {
  return seesAll(sight) ? read : (statement) => read(seenInPart(sight, statement));
}

/** The clients made so far, by what their viewers see. */
const clients = new WeakMap<PrismaClient, Map<string, PrismaClient>>();

/** How many of a database's are kept. */
const MAX_CLIENTS = 1000;

/** The client that a viewer's requests read by. */
export function clientFor(prisma: PrismaClient, sight: Sight): PrismaClient {
  const { campaigns, people } = sight;
  if (!campaigns && people === 'shown') return prisma;
  const made = clients.get(prisma) ?? new Map<string, PrismaClient>();
  clients.set(prisma, made);
  const minGroup = minGroupFor(sight);
  const key = JSON.stringify([campaigns ?? null, people, minGroup]);
  let client = made.get(key);
  if (!client) {
    if (made.size >= MAX_CLIENTS) made.clear();
    made.set(key, (client = createClientOf(prisma, sight, minGroup)));
    if (people === 'shown') shareRollUps(prisma, client);
    if (minGroup !== undefined) {
      setRules(client, { minGroup, tellingNoWork: createClientOf(prisma, sight, undefined) });
    }
  }
  return client;
}
