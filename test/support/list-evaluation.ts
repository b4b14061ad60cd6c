import { expect } from 'vitest';
import { LISTS, type FieldKind, type ListField } from '../../src/domain/lists/fields.ts';
import { FIELDS, type ModelRow, type Value } from './list-rows.ts';

export type Filter = { [key: string]: unknown };

export const CODE_NAMES: Partial<Record<FieldKind, Record<string, number>>> = {
  taskStatus: { CREATED: 1, AWAITING_ANNOTATION: 2, APPROVED: 11, ANNOTATING: 3 },
  taskAction: { INITIALIZATION: 0, DISTRIBUTE: 5, SUBMIT_ANNOTATION: 7 },
  poolType: { DISTRIBUTION: 0, ANNOTATION: 1, CHECK: 2 },
};

/** An operand as the rows hold it: enum values by their codes, 64-bit numbers as bigints. */
function operandOf({ kind }: ListField, operand: unknown): Value {
  if (kind === 'bigint') return BigInt(operand as string);
  const codes = CODE_NAMES[kind];
  return codes ? codes[operand as string]! : (operand as Value);
}

function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

function holds(field: ListField, value: Value, operator: string, operand: unknown): boolean {
  if (operator === 'isNull') return (value === null) === operand;
  if (value === null) return false;
  if (operator === 'in')
    return (operand as unknown[]).some((one) => operandOf(field, one) === value);
  if (operator === 'startsWith') return (value as string).startsWith(operand as string);
  if (operator === 'contains') {
    return (value as string).toLowerCase().includes((operand as string).toLowerCase());
  }
  const order = compareValues(value, operandOf(field, operand));
  return { eq: order === 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[
    operator
  ]!;
}

/** Whether a row fulfils a filter, found out row by row. */
export function matches(one: ModelRow, filter: Filter): boolean {
  const { fields, relations } = LISTS[one.noun];
  return Object.entries(filter).every(([name, value]) => {
    if (value === null) return true;
    if (name === 'and') return (value as Filter[]).every((part) => matches(one, part));
    if (name === 'or') return (value as Filter[]).some((part) => matches(one, part));
    if (name === 'not') return !matches(one, value as Filter);
    const field = fields[name];
    if (field) {
      return Object.entries(value as Filter).every(
        ([operator, operand]) =>
          operand === null || holds(field, one.values[name]!, operator, operand),
      );
    }
    const related = one.related[name]!;
    expect(relations[name]!.many).toBe(Array.isArray(related));
    return [related].flat().some((other) => matches(other, value as Filter));
  });
}

export interface Key {
  field: string;
  direction?: 'ASC' | 'DESC';
  nulls?: 'FIRST' | 'LAST';
}

export const nameOfKey = (field: string) =>
  field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** The order of two rows of a noun by some keys, and then by id. */
export function compareRows(a: ModelRow, b: ModelRow, keys: Key[]): number {
  for (const { field, direction, nulls } of [...keys, { field: FIELDS[a.noun].key } as Key]) {
    const [x, y] = [a.values[field]!, b.values[field]!];
    if (x === null || y === null) {
      if (x === y) continue;
      return (x === null) === (nulls === 'FIRST') ? -1 : 1;
    }
    const order = compareValues(x, y);
    if (order !== 0) return direction === 'DESC' ? -order : order;
  }
  return 0;
}
