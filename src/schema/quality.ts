import { scopeCell, type Evidence, type OfScope } from '../database/evidence.ts';
import {
  completedEvidence,
  decisionEvidence,
  rejectionsEvidence,
  reworkedEvidence,
  reworkEvidence,
  type FirstPassRow,
  type RejectionsRow,
  type ReworkRow,
} from '../database/quality.ts';
import type { RangeKey } from '../database/ranges.ts';
import type { History, ScopeKind } from '../database/scope.ts';
import { allTold } from '../database/small-groups.ts';
import { costs } from '../cost/declare.ts';
import { TASK_ACTION } from '../domain/codes.ts';
import { MAX_ROWS, readTimeRange, type TimeRange } from '../domain/time.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { measureCost } from './costs.ts';
import { byRow, recordsField, tasksField } from './evidence.ts';
import { TIME_RANGE_ARGUMENT } from './time.ts';
import { SCOPE_WORDS, SURVIVES, survivesUpToMaxRows } from './wording.ts';

/** What has been measured of a scope, and which of its history. */
type Measured<Measure = unknown> = Measure & {
  readonly parent: RangeKey;
  readonly history: History;
};

const evident = ({ parent }: Measured, evidence: Evidence<OfScope>) => ({
  ...scopeCell(parent),
  evidence,
});

/** A share, from 0 to 1; null of nothing. */
const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);

const FirstPassYield = builder
  .objectRef<Measured<Omit<FirstPassRow, 'parent'>>>('FirstPassYield')
  .implement({
    description: 'How many tasks were completed without having been sent back.',
    fields: (t) => ({
      completed: t.exposeInt('completed', {
        description:
          'How many tasks with a submission (action 7) anywhere in their history were completed in the time range: their first record 6 lies in it.',
      }),
      firstPass: t.exposeInt('firstPass', {
        description:
          'How many of them had not been sent back before that: no record 10 or 17 stands before the first 6.',
      }),
      ratio: t.float({
        nullable: true,
        description: '`firstPass` / `completed`, from 0 to 1; null where `completed` is 0.',
        resolve: ({ completed, firstPass }) => ratio(firstPass, completed),
      }),
      tasks: t.field(
        tasksField('The tasks behind `completed`, by `taskId` ascending.', (measured: Measured) =>
          evident(measured, completedEvidence(measured.history)),
        ),
      ),
      reworkedTasks: t.field(
        tasksField(
          'Those of them that had been sent back, with a record 10 or 17 before the first 6, by `taskId` ascending.',
          (measured: Measured) => evident(measured, reworkedEvidence(measured.history)),
        ),
      ),
    }),
  });

interface DecisionCounts {
  readonly passed: number;
  readonly rejected: number;
  readonly rejecting: 'REJECT' | 'RETURN_FROM_WORK_POOL';
}

/** Resolves the decisions of a check, by the actions that it passes a task by and sends it back by. */
function decisionsOf(
  passing: 'CHECK' | 'SAMPLING',
  rejecting: DecisionCounts['rejecting'],
): (
  measured: Measured,
  args: object,
  context: GatewayContext,
) => Promise<Measured<DecisionCounts>> {
  return async ({ parent, history }, _args, { loaders }) => {
    const decisions = await loaders.quality(history).decisions.load(parent);
    const count = (action: keyof typeof TASK_ACTION) => {
      const decision = decisions.get(TASK_ACTION[action]);
      return decision ? allTold([decision])[0]!.count : 0;
    };
    const [passed, rejected] = [count(passing), count(rejecting)];
    return { parent, history, passed, rejected, rejecting };
  };
}

const Decisions = builder.objectRef<Measured<DecisionCounts>>('Decisions').implement({
  description:
    'How often tasks passed a check and how often they were sent back: in review by the actions 8 and 17, in quality control by 9 and 10.',
  fields: (t) => ({
    passed: t.exposeInt('passed', {
      description: 'How many records pass a task: action 8 in review, 9 in quality control.',
    }),
    rejected: t.exposeInt('rejected', {
      description: 'How many records send a task back: action 17 in review, 10 in quality control.',
    }),
    rejectionRate: t.float({
      nullable: true,
      description:
        '`rejected` / (`passed` + `rejected`), from 0 to 1: 17 / (8 + 17) in review, 10 / (9 + 10) in quality control; null where there is neither.',
      resolve: ({ passed, rejected }) => ratio(rejected, passed + rejected),
    }),
    rejectedRecords: t.field(
      recordsField(
        'The records behind `rejected`, by `recordId` ascending.',
        (measured: Measured<DecisionCounts>) =>
          evident(measured, decisionEvidence(measured.history, measured.rejecting)),
      ),
    ),
  }),
});

const Rework = builder.objectRef<Measured<Omit<ReworkRow, 'parent'>>>('Rework').implement({
  description: 'What was submitted once more after it had been sent back.',
  fields: (t) => ({
    submissions: t.exposeInt('submissions', {
      description:
        'How many submissions (action 7) have a record 10 or 17 of the same task before them, however long before.',
    }),
    instances: t.expose('instances', {
      type: 'BigInt',
      description: 'The sum of their `instanceNum`, attributes included.',
    }),
    records: t.field(
      recordsField('These submissions, by `recordId` ascending.', (measured: Measured) =>
        evident(measured, reworkEvidence(measured.history)),
      ),
    ),
  }),
});

const Rejections = builder.objectRef<Measured<RejectionsRow>>('Rejections').implement({
  description:
    'How often one person sent back what another had submitted: the latest record 7 of the task before the record 10 or 17.',
  fields: (t) => ({
    annotatorId: t.expose('annotatorId', {
      type: 'BigInt',
      nullable: true,
      description:
        'The `poolAssigneeId` of the submission that was sent back; null where the task had none before, or it names nobody.',
    }),
    checkerId: t.expose('checkerId', {
      type: 'BigInt',
      nullable: true,
      description: 'The `poolAssigneeId` of the record 10 or 17; null where it names nobody.',
    }),
    returns: t.exposeInt('returns', {
      description: 'How many records send a task back from review (action 17).',
    }),
    rejects: t.exposeInt('rejects', {
      description: 'How many records send a task back from quality control (action 10).',
    }),
    total: t.exposeInt('total', { description: '`returns` + `rejects`.' }),
    records: t.field(
      recordsField(
        'These records 10 and 17, by `recordId` ascending.',
        (measured: Measured<RejectionsRow>) =>
          byRow(measured, rejectionsEvidence(measured.history)),
      ),
    ),
  }),
});

const Quality = builder.objectRef<Measured>('Quality').implement({
  description:
    'How good work was, by the records of the history: an event counts by its own time, what it is judged by may lie before the time range.',
  fields: (t) => ({
    firstPassYield: t.field({
      description: `The share of completed tasks (first record 6) that had never been sent back (10, 17) before. ${SURVIVES}`,
      type: FirstPassYield,
      nullable: true,
      ...costs({ share: 6 }),
      resolve: async ({ parent, history }, _args, { loaders }) => ({
        ...(await loaders.quality(history).firstPass.load(parent)),
        parent,
        history,
      }),
    }),
    review: t.field({
      description: `The decisions of reviewers: passed (8) or sent back (17). ${SURVIVES}`,
      type: Decisions,
      nullable: true,
      ...costs({ share: 6 }),
      resolve: decisionsOf('CHECK', 'RETURN_FROM_WORK_POOL'),
    }),
    qc: t.field({
      description: `The decisions of quality control: passed (9) or sent back (10). ${SURVIVES}`,
      type: Decisions,
      nullable: true,
      ...costs({ share: 6 }),
      resolve: decisionsOf('SAMPLING', 'REJECT'),
    }),
    rework: t.field({
      description: `What was submitted (7) after it had been sent back (10, 17). ${SURVIVES}`,
      type: Rework,
      nullable: true,
      ...costs({ share: 6 }),
      resolve: async ({ parent, history }, _args, { loaders }) => ({
        ...(await loaders.quality(history).rework.load(parent)),
        parent,
        history,
      }),
    }),
    rejections: t.field({
      description: `Who sent back (10, 17) whose submissions (7), most first, equals by \`annotatorId\`, then \`checkerId\`, those without last. ${survivesUpToMaxRows('pairs of people')}`,
      type: [Rejections],
      nullable: true,
      ...costs({ share: 6, items: MAX_ROWS }),
      resolve: async ({ parent, history }, _args, { loaders }) =>
        (await loaders.quality(history).rejections.load(parent)).map((row) => ({
          ...row,
          history,
        })),
    }),
  }),
});

/** The options of a field that tells how good the work of a scope was. */
export function qualityField(scope: ScopeKind) {
  return {
    description: `How good the work was, by the records ${SCOPE_WORDS[scope]}. ${SURVIVES}`,
    type: Quality,
    nullable: true,
    args: TIME_RANGE_ARGUMENT,
    ...measureCost(scope, 0),
    resolve: (
      { id: parent }: { id: RangeKey },
      { timeRange }: { timeRange?: TimeRange | null | undefined },
    ) => ({ parent, history: { scope, timeRange: readTimeRange(timeRange) } }),
  } as const;
}
