import {
  discrepancyEvidence,
  type Discrepancy,
  type ReconciledScope,
} from '../database/reconciliation.ts';
import { DISCREPANCY_KINDS, type DiscrepancyKind } from '../domain/reconciliation.ts';
import { builder } from './builder.ts';
import type { GatewayContext } from './context.ts';
import { measureCost } from './costs.ts';
import { recordsField, tasksField } from './evidence.ts';
import { SURVIVES } from './wording.ts';

const LAST = 'its last record (by `createdTime`, then `recordId`)';

const DESCRIPTIONS: Readonly<Record<DiscrepancyKind, string>> = {
  RECORD_INSTANCES: 'Records whose `instanceInfo` does not sum to their `instanceNum`.',
  TASK_INSTANCES: `Tasks whose present \`instanceNum\` is not the \`instanceSum\` of ${LAST}.`,
  TASK_ATTRIBUTES: `Tasks whose present \`attributeNum\` is not the \`attributesSum\` of ${LAST}.`,
  TASK_FRAMES: `Tasks whose present \`frameNum\` is not the \`frameCount\` of ${LAST}.`,
  TASK_STATUS: `Tasks whose present \`statusCode\` is not that of ${LAST}.`,
  TASK_POOL: `Tasks whose present \`pool\` is not that of ${LAST}.`,
  MISSING_INITIALIZATION:
    'Tasks without a record 0 (INITIALIZATION), those without any record included.',
  BACKWARDS:
    'Records whose `createdTime` is earlier than that of a record of the same task with a lower `recordId`.',
  COMPLETED_WITHOUT_SUBMISSION:
    'Tasks whose present status is 11 (APPROVED), without a record 7 (SUBMIT_ANNOTATION).',
};

const DiscrepancyKindRef = builder.enumType('DiscrepancyKind', {
  description:
    'What does not add up. A task without records has no last record that it could differ from.',
  values: Object.fromEntries(
    DISCREPANCY_KINDS.map((kind) => [kind, { description: DESCRIPTIONS[kind] }]),
  ) as Record<DiscrepancyKind, { description: string }>,
});

interface ScopedDiscrepancy extends Discrepancy {
  readonly scope: ReconciledScope;
}

const DiscrepancyRef = builder.objectRef<ScopedDiscrepancy>('Discrepancy').implement({
  description: 'Something that does not add up between tasks and their records.',
  fields: (t) => ({
    kind: t.field({
      description: 'What does not add up.',
      type: DiscrepancyKindRef,
      resolve: ({ values }) => values.kind,
    }),
    count: t.exposeInt('count', {
      description:
        'How many there are: records for RECORD_INSTANCES and BACKWARDS, tasks for all other kinds.',
    }),
    tasks: t.field(
      tasksField(
        'The tasks concerned, by `taskId` ascending.',
        ({ cell, values, scope }: ScopedDiscrepancy) => ({
          cell,
          values,
          evidence: discrepancyEvidence(scope, 'Task'),
        }),
      ),
    ),
    records: t.field(
      recordsField(
        'The records that show it, by `recordId` ascending: those that are counted, or the last record of each task; none for what is missing (MISSING_INITIALIZATION, COMPLETED_WITHOUT_SUBMISSION).',
        ({ cell, values, scope }: ScopedDiscrepancy) => ({
          cell,
          values,
          evidence: discrepancyEvidence(scope, 'AnnotationHistory'),
        }),
      ),
    ),
  }),
});

/** The options of a field that tells what does not add up in a campaign or a request. */
export function reconciliationField(scope: ReconciledScope) {
  return {
    description: `What does not add up between its tasks as they stand now and their records: the kinds that occur, in the order of the enum; empty where everything adds up. ${SURVIVES}`,
    type: [DiscrepancyRef] as [typeof DiscrepancyRef],
    nullable: true,
    ...measureCost(scope, 20, DISCREPANCY_KINDS.length),
    resolve: async ({ id }: { id: string }, _args: object, { loaders }: GatewayContext) => {
      const found = await loaders.reconciliation(scope).load(id);
      return found.map((discrepancy) => ({ ...discrepancy, scope }));
    },
  } as const;
}
