import fc from 'fast-check';
import { LISTS, type ListField } from '../../src/domain/lists/fields.ts';
import type { Noun } from '../../src/domain/nouns.ts';
import { CODE_NAMES, type Filter, type Key } from './list-evaluation.ts';
import { BIG, TEXTS } from './list-rows.ts';

function operandArbitrary({ kind }: ListField): fc.Arbitrary<unknown> {
  switch (kind) {
    case 'text':
      return fc.constantFrom(...TEXTS, '', 'c-a', 'AR é', 'a campaign', '%', '_', '\\', '\\%');
    case 'bigint':
      return fc.constantFrom(
        '0',
        '1',
        '2',
        String(BIG + 1n),
        String(BIG * 2n + 60n),
        '9007199254740994',
      );
    case 'int':
    case 'float':
      return fc.constantFrom(0, 1, 2, 7, 9, 99);
    case 'instant':
      return fc.constantFrom(
        '2025-04-02T10:00:00.001Z',
        '2025-04-01T10:00:00.000Z',
        '2025-04-03T10:00:00.002Z',
      );
    case 'campaignType':
      return fc.constantFrom('POC', 'FORMAL');
    case 'taskStatus':
    case 'taskAction':
    case 'poolType':
      return fc.constantFrom(...Object.keys(CODE_NAMES[kind]!));
  }
}

function comparisonArbitrary(field: ListField): fc.Arbitrary<Filter> {
  const operand = operandArbitrary(field);
  const operators: Record<string, fc.Arbitrary<unknown>> = {
    eq: operand,
    in: fc.array(operand, { maxLength: 3 }),
  };
  if (['text', 'bigint', 'int', 'instant'].includes(field.kind)) {
    for (const operator of ['gt', 'gte', 'lt', 'lte']) operators[operator] = operand;
  }
  if (field.kind === 'text') {
    operators.startsWith = operand;
    operators.contains = operand;
  }
  if (field.nullable) operators.isNull = fc.boolean();
  return fc
    .subarray(Object.keys(operators), { minLength: 0, maxLength: 2 })
    .chain((names) =>
      fc.record(
        Object.fromEntries(names.map((name) => [name, fc.option(operators[name]!, { freq: 9 })])),
      ),
    );
}

/** Any filter of a noun. */
export function filterArbitrary(noun: Noun, depth: number): fc.Arbitrary<Filter> {
  const { fields, relations } = LISTS[noun];
  const parts: fc.Arbitrary<Filter>[] = Object.entries(fields).map(([name, field]) =>
    comparisonArbitrary(field).map((comparison) => ({ [name]: comparison })),
  );
  if (depth > 0) {
    const self = filterArbitrary(noun, depth - 1);
    parts.push(
      fc.array(self, { maxLength: 2 }).map((and) => ({ and })),
      fc.array(self, { maxLength: 2 }).map((or) => ({ or })),
      self.map((not) => ({ not })),
      self.map((not) => ({ not })),
      ...Object.entries(relations).map(([name, { noun: other }]) =>
        filterArbitrary(other, depth - 1).map((nested) => ({ [name]: nested })),
      ),
    );
  }
  return fc
    .array(fc.oneof(...parts), { maxLength: 2 })
    .map((chosen) => Object.assign({}, ...chosen) as Filter);
}

/** Any order of a noun. */
export function orderArbitrary(noun: Noun): fc.Arbitrary<Key[]> {
  const names = Object.keys(LISTS[noun].fields).filter(
    (name) => !['status', 'action', 'type'].includes(name),
  );
  return fc.subarray(names, { maxLength: 3 }).chain((chosen) =>
    fc.tuple(
      ...chosen.map((field) =>
        fc.record(
          {
            field: fc.constant(field),
            direction: fc.constantFrom('ASC' as const, 'DESC' as const),
            nulls: fc.constantFrom('FIRST' as const, 'LAST' as const),
          },
          { requiredKeys: ['field'] },
        ),
      ),
    ),
  );
}
