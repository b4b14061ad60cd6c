import { POOL_TYPE, TASK_ACTION, TASK_STATUS } from '../domain/codes.ts';
import { NOUN_OF_TYPE } from '../domain/changes.ts';
import { ENTITY_TYPES } from '../domain/entities.ts';
import { builder } from './builder.ts';

/** A field's name as that of an enum value. */
export function constantCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

type Descriptions<Codes> = Readonly<Record<keyof Codes & string, string>>;

/**
 * An enum of Rosetta's codes: the stored number goes out by its name. The second function gives null for a code that no
 * document lists, which the field beside it (`statusCode`, say) still shows.
 */
function codeEnum<const Codes extends Readonly<Record<string, number>>>(
  name: string,
  description: string,
  codes: Codes,
  descriptions: Descriptions<Codes>,
) {
  const known: ReadonlySet<number> = new Set(Object.values(codes));
  const ref = builder.enumType(name, {
    description,
    values: Object.fromEntries(
      Object.entries(codes).map(([value, code]) => [
        value,
        { value: code, description: descriptions[value as keyof Codes & string] },
      ]),
    ),
  });
  return [ref, (code: number) => (known.has(code) ? code : null)] as const;
}

export const [TaskStatus, knownTaskStatus] = codeEnum(
  'TaskStatus',
  'Where a task stands on its way. Beside it `statusCode` is the number Rosetta stores.',
  TASK_STATUS,
  {
    CREATION_FAILED: '0: the task could not be created.',
    CREATED: '1: created, in the distribution pool.',
    AWAITING_ANNOTATION: '2: waiting for annotation, in the annotation pool.',
    ANNOTATING: '3: being annotated, in the annotation pool.',
    ANNOTATED: '4: annotation submitted, still in the annotation pool.',
    AWAITING_REVIEW: '5: waiting for review, in the check pool.',
    IN_REVIEW: '6: being reviewed, in the check pool.',
    AWAITING_QC: '8: waiting for quality control, in the sampling pool.',
    IN_QC: '9: in quality control, in the sampling pool.',
    QC_COMPLETED: '10: quality control passed, in the sampling pool.',
    APPROVED: '11: completed, in the complete pool.',
  },
);

export const [PoolType, knownPoolType] = codeEnum(
  'PoolType',
  'What a pool is for. Beside it `typeCode` is the number Rosetta stores.',
  POOL_TYPE,
  {
    DISTRIBUTION: '0: new tasks wait to be distributed.',
    ANNOTATION: '1: tasks are annotated.',
    CHECK: '2: annotations are reviewed.',
    SAMPLING: '3: samples pass quality control.',
    ALGORITHM: '4: an algorithm labels tasks beforehand.',
    COMPLETE: '5: completed tasks.',
  },
);

export const [TaskAction, knownTaskAction] = codeEnum(
  'TaskAction',
  'What a record of the history says was done. Beside it `actionCode` is the number Rosetta stores.',
  TASK_ACTION,
  {
    INITIALIZATION: '0: the task was created, in the distribution pool.',
    PAUSE: '1: work on it paused.',
    RELEASE: '2: given up by its operator; it waits again in the same pool.',
    RESUME: '3: work on it resumed.',
    ERROR: '4: an error.',
    DISTRIBUTE: '5: put into the next work pool.',
    COMPLETE: '6: completed, moved to the complete pool.',
    SUBMIT_ANNOTATION: '7: annotation submitted.',
    CHECK: '8: passed review.',
    SAMPLING: '9: passed quality control.',
    REJECT: '10: sent back by quality control, to review or annotation.',
    SUSPEND: '11: work on it suspended.',
    RECYCLE: '12: taken away from its operator; it waits again in the same pool.',
    SEND_TASK: '13: picked up by a person; work starts.',
    DISSOLVE: '14: its sampling package was dissolved; it is back in the sampling pool.',
    INVALID: '15: declared invalid; it no longer counts as remaining work.',
    MANUAL_RECYCLE: '16: taken away from its operator by hand; it waits again in the same pool.',
    RETURN_FROM_WORK_POOL: '17: sent back by a reviewer, to annotation.',
  },
);

export const CampaignType = builder.enumType('CampaignType', {
  description: 'Whether a campaign is a trial or ordered work.',
  values: {
    POC: { description: 'A proof of concept: a trial.' },
    FORMAL: { description: 'Ordered work.' },
  },
});

export const EntityType = builder.enumType('EntityType', {
  description: 'The types of rows, as the import format has them.',
  values: Object.fromEntries(
    ENTITY_TYPES.map((type) => [
      constantCase(type),
      { value: type, description: `\`${NOUN_OF_TYPE[type]}\`: \`"type":"${type}"\`.` },
    ]),
  ),
});
