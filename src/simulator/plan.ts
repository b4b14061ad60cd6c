import { POOL_TYPE } from '../domain/codes.ts';
import type { AnnotationRequestEntity, CampaignEntity, PoolEntity } from '../domain/entities.ts';
import { DAY, HOUR, MINUTE, nextWeekdayAt } from './calendar.ts';
import { drawTaxonomy, type Taxonomy } from './labels.ts';
import { campaignName, requestName, slugOf, themeOf, type Theme } from './names.ts';
import { crewOf, MANAGER_ACCOUNTS, MANAGER_HOURS, type Operator } from './people.ts';
import type { Random } from './random.ts';

/** Everything about a campaign that is settled before work begins. */
export interface CampaignPlan {
  campaign: CampaignEntity;
  /** By pool type; a campaign without pre-labelling has no algorithm pool. */
  pools: readonly (PoolEntity | undefined)[];
  requests: readonly { request: AnnotationRequestEntity; createdAt: number; tasks: number }[];
  taxonomy: Taxonomy;
  theme: Theme;
  crew: readonly Operator[];
  managerAccount: bigint;
  tasks: number;
  /** What the annotation of an average scene takes, in milliseconds of work. */
  effort: number;
  /** Tasks that the manager releases to work at once, twice a day. */
  releaseSize: number;
}

/** When the requests of a campaign come in, and which crew works on them. */
interface Phase {
  crew: number;
  /** The first and the last request, the latter included. */
  from: number;
  to: number;
  /** Whether an algorithm labels the scenes before people do. */
  preLabelled: boolean;
  /** Fewest and most tasks. */
  tasks: readonly [number, number];
}

/**
 * The campaigns of a wave. Seen from the present, the first and third are finished, the second is in the middle, the
 * fourth has just begun and the fifth nears its end. A crew's second campaign starts long after its first is done.
 */
const PHASES: readonly Phase[] = [
  {
    crew: 0,
    from: Date.UTC(2025, 1, 3),
    to: Date.UTC(2025, 2, 7),
    preLabelled: true,
    tasks: [330, 390],
  },
  {
    crew: 0,
    from: Date.UTC(2025, 5, 9),
    to: Date.UTC(2025, 5, 26),
    preLabelled: false,
    tasks: [430, 500],
  },
  {
    crew: 1,
    from: Date.UTC(2025, 2, 17),
    to: Date.UTC(2025, 3, 18),
    preLabelled: false,
    tasks: [330, 390],
  },
  {
    crew: 1,
    from: Date.UTC(2025, 5, 25),
    to: Date.UTC(2025, 5, 26),
    preLabelled: true,
    tasks: [370, 420],
  },
  {
    crew: 2,
    from: Date.UTC(2025, 4, 19),
    to: Date.UTC(2025, 5, 26),
    preLabelled: false,
    tasks: [430, 500],
  },
];

/** A campaign has at most this many requests, which is how their numbers stay unique. */
const MAX_REQUESTS = 8;

const POOL_NAMES = [
  'distribution',
  'annotation',
  'check',
  'sampling',
  'pre-labelling',
  'complete',
] as const;

/** Plans the campaign of the index given, with no more than `room` tasks. */
export function planCampaign(
  random: Random,
  seed: number,
  index: number,
  room: number,
): CampaignPlan {
  const wave = Math.floor(index / PHASES.length);
  const phase = PHASES[index % PHASES.length]!;
  const theme = themeOf(index);
  const hasAlgorithm = phase.preLabelled;
  const campaign = nameCampaign(random, theme, index, hasAlgorithm);
  const tasks = Math.min(random.integer(...phase.tasks), room);
  return {
    campaign,
    pools: POOL_NAMES.map((name, poolType): PoolEntity | undefined =>
      poolType === POOL_TYPE.ALGORITHM && !hasAlgorithm
        ? undefined
        : {
            type: 'pool',
            id: BigInt(410_000 + 10 * index + poolType),
            name: `${campaign.name} ${name} pool`,
            poolType,
            campaignId: campaign.id,
          },
    ),
    requests: planRequests(random, phase, campaign.id, index, tasks),
    taxonomy: drawTaxonomy(random, theme),
    theme,
    crew: crewOf(seed, wave, phase.crew),
    managerAccount: MANAGER_ACCOUNTS[index % MANAGER_ACCOUNTS.length]!,
    tasks,
    effort: random.between(180, 250) * MINUTE,
    releaseSize: random.integer(22, 30),
  };
}

function nameCampaign(
  random: Random,
  theme: Theme,
  index: number,
  hasAlgorithm: boolean,
): CampaignEntity {
  const campaign: CampaignEntity = {
    type: 'campaign',
    id: random.uuid(),
    projectId: BigInt(2_101 + index),
    name: campaignName(theme, index),
    campaignType: index % 3 === 1 ? 'POC' : 'FORMAL',
  };
  // Whoever set up the third campaign of a wave left the optional fields alone.
  if (index % PHASES.length === 2) return { ...campaign, folderName: null };
  return {
    ...campaign,
    workflowType: `${hasAlgorithm ? 'prelabel-' : ''}annotate-check-sample`,
    folderName: `helix/2025/${slugOf(theme)}`,
    taxonomyVersionName: `${theme.objects} v${random.integer(1, 3)}.${random.integer(0, 9)}`,
  };
}

/** Spreads the tasks over requests of varying size, and those over the days of the phase. */
function planRequests(
  random: Random,
  phase: Phase,
  campaignId: string,
  index: number,
  tasks: number,
): CampaignPlan['requests'] {
  const days = Math.round((phase.to - phase.from) / DAY);
  const number = Math.min(
    random.integer(5, MAX_REQUESTS),
    Math.max(2, Math.ceil(days / 2)),
    Math.ceil(tasks / 20),
  );
  const weights = Array.from({ length: number }, () => random.between(0.5, 1.5));
  const weight = weights.reduce((one, other) => one + other, 0);
  let drawn = 0;
  let assigned = 0;
  return weights.map((own, place) => {
    drawn += own;
    // The last one takes the rest, so that rounding loses no task.
    const upTo = place === number - 1 ? tasks : Math.floor((tasks * drawn) / weight);
    const day = phase.from + Math.floor((days * place) / Math.max(1, number - 1)) * DAY;
    const createdAt =
      nextWeekdayAt(MANAGER_HOURS.utcOffset, 9 * HOUR, day - DAY / 2) +
      random.integer(0, 50 * MINUTE);
    const request: AnnotationRequestEntity = {
      type: 'annotationRequest',
      id: random.uuid(),
      name: requestName(random, new Date(createdAt), index * MAX_REQUESTS + place + 1),
      campaignId,
      createdAt: new Date(createdAt),
    };
    const planned = { request, createdAt, tasks: upTo - assigned };
    assigned = upTo;
    return planned;
  });
}
