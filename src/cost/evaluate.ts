import { add, inside, NOTHING, own, times, type Amount } from './amount.ts';
import {
  sizeOf,
  type Condition,
  type Given,
  type PricedField,
  type Program,
  type Selection,
} from './compile.ts';
import type { PageSize } from './declare.ts';

type Variables = Readonly<Record<string, unknown>> | null | undefined;

/** What is asked of an object: points for itself, for each row of its page, and for each time that it goes through it all. */
interface Sum {
  readonly once: Amount;
  readonly each: Amount;
  readonly share: Amount;
}

const NO_SUM: Sum = { once: NOTHING, each: NOTHING, share: NOTHING };

const plus = (one: Sum, other: Sum): Sum => ({
  once: add(one.once, other.once),
  each: add(one.each, other.each),
  share: add(one.share, other.share),
});

const larger = (one: Amount, other: Amount) => (one.points >= other.points ? one : other);

/** Of what can be of several types, each of which is asked for something else. */
const most = (one: Sum, other: Sum): Sum => ({
  once: larger(one.once, other.once),
  each: larger(one.each, other.each),
  share: larger(one.share, other.share),
});

/** Works out what an operation costs with its variables, which may be as wrong as callers like. */
export function evaluate({ selection, defaults }: Program, variables: Variables): Amount {
  const valueOf = (name: string): unknown =>
    variables && Object.hasOwn(variables, name) ? variables[name] : defaults.get(name);
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

  const sumField = ({ name, cost, sizes, order, inside: types }: PricedField): Sum => {
    const { price, share = 0, whole, page, items } = cost;
    const found = types.map(sumOf).reduce(most, NO_SUM);
    const item = add(own(name, 1), inside(name, found.once));
    let once = own(name, price);
    if (typeof items !== 'string') once = add(once, times(items ?? 1, inside(name, found.once)));
    if (page) {
      const asked = items === 'own' ? item : inside(name, found.each);
      const { row = 1 } = page;
      const each = asked.points < row ? own(name, row) : asked;
      once = add(once, times(rowsOf(sizes, page), each));
    }
    if (whole !== undefined) {
      once = add(once, times(whole, inside(name, found.share)));
      if (isGiven(order)) once = add(once, own(name, whole));
    }
    return {
      once,
      each: items === 'page' ? item : page ? NOTHING : inside(name, found.each),
      share: add(own(name, share), whole === undefined ? inside(name, found.share) : NOTHING),
    };
  };

  const sumOf = (selection: Selection): Sum =>
    selection
      .filter(({ when }) => when.every(isMet))
      .map((part) => ('fragment' in part ? sumFragment(part.fragment) : sumField(part)))
      .reduce(plus, NO_SUM);

  const sumFragment = (fragment: Selection): Sum => {
    let sum = fragments.get(fragment);
    if (!sum) fragments.set(fragment, (sum = sumOf(fragment)));
    return sum;
  };

  return sumOf(selection).once;
}
