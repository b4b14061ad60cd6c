import { valueFromASTUntyped } from 'graphql';
import { add, inside, NOTHING, own, times, type Amount } from './amount.ts';
import {
  sizeOf,
  type Condition,
  type Given,
  type GivenFilter,
  type PricedField,
  type Program,
  type Selection,
} from './compile.ts';
import type { FieldCost, PageSize } from './declare.ts';
import { weighFilter } from './filter.ts';

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/** What is asked of an object: points for itself, for each row of its page, and for each time that it goes through it all. */
interface Sum {
  readonly once: Amount;
  readonly each: Amount;
  readonly share: Amount;
  /** Characters of what costs nothing otherwise. */
  readonly width: number;
}

const NO_SUM: Sum = { once: NOTHING, each: NOTHING, share: NOTHING, width: 0 };

/** Characters of an answer that are a point: an object has so many for nothing, and few objects ever have more. */
const POINT_WIDTH = 1000;

const plus = (one: Sum, other: Sum): Sum => ({
  once: add(one.once, other.once),
  each: add(one.each, other.each),
  share: add(one.share, other.share),
  width: one.width + other.width,
});

const larger = (one: Amount, other: Amount) => (one.points >= other.points ? one : other);

/** Of what can be of several types, each of which is asked for something else. */
const most = (one: Sum, other: Sum): Sum => ({
  once: larger(one.once, other.once),
  each: larger(one.each, other.each),
  share: larger(one.share, other.share),
  width: Math.max(one.width, other.width),
});

/** Of how many ids the rows are a tenth of all: those of some pools, or campaigns, are no more. */
const IDS_OF_ALL = 10;

/** Works out what an operation costs with its variables, which may be as wrong as callers like. */
export function evaluate({ selection, defaults }: Program, variables: Variables): Amount {
  const valueOf = (name: string): unknown =>
    variables && Object.hasOwn(variables, name) ? variables[name] : defaults.get(name);
  let all: Record<string, unknown> | undefined;
  const allVariables = () => (all ??= { ...Object.fromEntries(defaults), ...variables });
  const read = (given: Given) =>
    'variable' in given ? sizeOf(valueOf(given.variable)) : given.size;
  // What is no boolean is refused by the executor.
  const isMet = ({ variable, is }: Condition) => valueOf(variable) !== !is;
  const fragments = new Map<Selection, Sum>();

  const rowsOf = (sizes: readonly Given[], { unless, max }: PageSize): number => {
    const size = sizes.map(read).find((one) => one !== undefined) ?? unless;
    return Number.isInteger(size) && (size as number) >= 0 ? Math.min(size as number, max) : max;
  };

  const isGiven = (given: Given | undefined) => {
    const size = given && read(given);
    return size !== undefined && size !== 0;
  };

  /** @returns points for going through the rows a filter is about, where it has conditions, and for holding them against it. */
  const readFilter = (
    { rows, isPaid = false }: NonNullable<FieldCost['filter']>,
    { value, type, within }: GivenFilter,
  ) => {
    const { tenths, ids } = weighFilter(valueFromASTUntyped(value, allVariables()), type);
    const others = within && read(within);
    const found = Math.min(ids, Number.isInteger(others) ? (others as number) : Infinity);
    const part = rows * Math.min(1, found / IDS_OF_ALL);
    return {
      going: tenths === 0 || isPaid ? 0 : Math.ceil(part),
      holding: Math.ceil((part * tenths) / 10),
    };
  };

  const sumField = (field: PricedField): Sum => {
    const { name, cost, sizes, order, inside: types } = field;
    const { price, share = 0, page, items } = cost;
    const filter =
      cost.filter && field.filter
        ? readFilter(cost.filter, field.filter)
        : { going: 0, holding: 0 };
    const whole =
      cost.whole === undefined
        ? undefined
        : cost.whole * (cost.wholes ? rowsOf(field.wholes ?? [], cost.wholes) : 1);
    const found = types.map(sumOf).reduce(most, NO_SUM);
    const wide = Math.floor(found.width / POINT_WIDTH);
    const object = add(own(name, wide), inside(name, found.once));
    const item = add(own(name, 1), object);
    let once = own(name, price);
    if (typeof items !== 'string') once = add(once, times(items ?? 1, object));
    if (page) {
      const asked = items === 'own' ? item : inside(name, found.each);
      const { row = 1 } = page;
      const each = asked.points < row ? own(name, row) : asked;
      once = add(once, times(rowsOf(sizes, page), each));
    }
    if (whole !== undefined) {
      once = add(once, times(whole + filter.holding, inside(name, found.share)));
      if (isGiven(order)) once = add(once, own(name, whole));
    }
    once = add(once, own(name, filter.going + filter.holding));
    return {
      once,
      each: items === 'page' ? item : page ? NOTHING : inside(name, found.each),
      share: add(own(name, share), whole === undefined ? inside(name, found.share) : NOTHING),
      width: 0,
    };
  };

  const sumOf = ({ parts, width }: Selection): Sum =>
    parts
      .filter(({ when }) => when.every(isMet))
      .map((part) => ('fragment' in part ? sumFragment(part.fragment) : sumField(part)))
      .reduce(plus, { ...NO_SUM, width });

  const sumFragment = (fragment: Selection): Sum => {
    let sum = fragments.get(fragment);
    if (!sum) fragments.set(fragment, (sum = sumOf(fragment)));
    return sum;
  };

  return sumOf(selection).once;
}
