import { costs } from '../cost/declare.ts';
import type { EntityType as EntityTypeName } from '../domain/entities.ts';
import { GatewayError } from '../domain/errors.ts';
import type { EntityOutcome, GivenEntity } from '../import/entities.ts';
import type { LineProblem } from '../import/import.ts';
import { builder } from './builder.ts';
import { EntityInput } from './entity-inputs.ts';
import { ROWS_OF_PAGE } from './costs.ts';
import { constantCase, EntityType } from './enums.ts';

/** How many entities one call takes. */
const MAX_ENTITIES = 1000;

const OUTCOMES = {
  created: 'It was not stored before.',
  updated: 'What was stored has changed.',
  unchanged: 'What was stored says the same already.',
  stale: 'A task that was stored after a later record (`lastRecordId`): it is left as it is.',
  rejected: '`error` says why.',
  notWritten: 'It is right; with `atomic` nothing is written where another is rejected.',
} as const satisfies Record<EntityOutcome['decision'], string>;

const IngestOutcome = builder.enumType('IngestOutcome', {
  description: 'What became of an entity.',
  values: Object.fromEntries(
    Object.entries(OUTCOMES).map(([value, description]) => [
      constantCase(value),
      { value, description },
    ]),
  ) as Record<string, { value: EntityOutcome['decision']; description: string }>,
});

const IngestErrorCode = builder.enumType('IngestErrorCode', {
  description: 'Why an entity was rejected.',
  values: {
    INVALID: { description: 'A value is outside what its field allows.' },
    NOT_FOUND: {
      description: 'Something it refers to neither exists nor stands earlier in the call.',
    },
    CONFLICT: {
      description: 'A unique value belongs to another row, or a pool to another campaign.',
    },
    IMMUTABLE: {
      description: 'It would change what ties rows together, or a record of the history.',
    },
  },
});

interface Result {
  readonly index: number;
  readonly entity: GivenEntity;
  readonly outcome: EntityOutcome;
}

interface ResultError {
  readonly index: number;
  readonly problem: LineProblem;
}

/** Where a problem is in the arguments. A key of `instanceInfo` may itself have dots in it. */
function pathOf({ index, problem: { type, path } }: ResultError): string[] {
  const [, field = '', key] = /^([^.]*)(?:\.(.*))?$/s.exec(path ?? '')!;
  return ['entities', String(index), type!, field, ...(key === undefined ? [] : [key])];
}

const IngestError = builder.objectRef<ResultError>('IngestError').implement({
  description: 'Why an entity was rejected, and where.',
  fields: (t) => ({
    code: t.field({
      description: 'The kind of problem.',
      type: IngestErrorCode,
      resolve: ({ problem }) => problem.code as 'INVALID',
    }),
    path: t.stringList({
      description:
        'Where it is in the arguments: `["entities", "3", "task", "poolId"]`, and one more element for a key of `instanceInfo`, cut where it is long.',
      resolve: pathOf,
    }),
    message: t.string({
      description: 'A sentence that names what is wrong.',
      resolve: ({ problem }) => problem.message,
    }),
  }),
});

const IngestResult = builder.objectRef<Result>('IngestResult').implement({
  description: 'What became of one entity.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its place in `entities`, from 0.' }),
    type: t.field({
      description: 'What it is.',
      type: EntityType,
      resolve: ({ entity }) => entity.type,
    }),
    id: t.string({
      description: "Rosetta's or Helix's own id of it, as it was given.",
      resolve: ({ entity }) => String(entity.fields.id),
    }),
    outcome: t.field({
      description: 'What became of it.',
      type: IngestOutcome,
      resolve: ({ outcome }) => outcome.decision,
    }),
    warning: t.string({
      description:
        'What is odd about a new record that is taken all the same: counts of `instanceInfo` that do not add up to `instanceNum`. Null where nothing is.',
      nullable: true,
      resolve: ({ outcome }) =>
        outcome.decision === 'rejected' ? null : (outcome.warning?.message ?? null),
    }),
    error: t.field({
      description: 'Why it was rejected; null where it was not.',
      type: IngestError,
      nullable: true,
      resolve: ({ index, outcome }) =>
        outcome.decision === 'rejected' ? { index, problem: outcome.problem } : null,
    }),
  }),
});

const IngestReport = builder.objectRef<readonly Result[]>('IngestReport').implement({
  description: 'What an `ingest` did.',
  fields: (t) => ({
    results: t.field({
      description: 'What became of each entity, in their order.',
      type: [IngestResult],
      ...ROWS_OF_PAGE,
      resolve: (results) => results,
    }),
    ...Object.fromEntries(
      Object.keys(OUTCOMES).map((decision) => [
        decision,
        t.int({
          description: `How many results are ${constantCase(decision)}.`,
          resolve: (results) =>
            results.filter(({ outcome }) => outcome.decision === decision).length,
        }),
      ]),
    ),
    warnings: t.int({
      description: 'How many results have a warning.',
      resolve: (results) =>
        results.filter(({ outcome }) => outcome.decision !== 'rejected' && outcome.warning).length,
    }),
  }),
});

builder.mutationType({ description: 'Everything there is to change.' });

builder.mutationField('ingest', (t) =>
  t.field({
    description:
      'Takes data in, by the rules of the import format: an entity with the key of an existing row updates it; an absent optional field is left alone on an update, and null clears it; what ties rows together, and a record of the history, never changes. An entity may refer to rows that exist and to entities before it. A rejected entity does not stop the others, unless `atomic`. With the HTTP header `Idempotency-Key` a repeat of the same request is given the first answer. FORBIDDEN where the gateway takes no data in (`GATEWAY_INGEST`).',
    type: IngestReport,
    args: {
      entities: t.arg({
        type: [EntityInput],
        required: true,
        description: `The entities, at most ${MAX_ENTITIES}.`,
      }),
      atomic: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether nothing at all is written where any entity is rejected.',
      }),
    },
    ...costs({ page: { from: ['entities'], unless: 0, max: MAX_ENTITIES, row: 10 } }),
    resolve: async (_root, { entities, atomic }, { ingest }) => {
      if (!ingest) {
        throw new GatewayError(
          'FORBIDDEN',
          'This gateway takes no data in: GATEWAY_INGEST is off.',
        );
      }
      if (entities.length > MAX_ENTITIES) {
        throw new GatewayError(
          'BAD_USER_INPUT',
          `The argument "entities" has ${entities.length} entries; it may have at most ${MAX_ENTITIES}.`,
        );
      }
      const given = entities.map((entity): GivenEntity => {
        const [[type, fields]] = Object.entries(entity) as [
          [EntityTypeName, GivenEntity['fields']],
        ];
        return { type, fields };
      });
      const outcomes = await ingest(given, atomic);
      return outcomes.map((outcome, index) => ({ index, entity: given[index]!, outcome }));
    },
  }),
);
