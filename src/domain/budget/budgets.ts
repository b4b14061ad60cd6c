import { LRUCache } from 'lru-cache';
import { pointsIn, secondsOf, wholePoints } from './bucket.ts';
import type { LeasePoints } from './leases.ts';

/** How many points of a budget are taken at once. */
const blockOf = (perMinute: number) => Math.ceil(perMinute / 10);

/** Milliseconds for which a caller's purse is kept without being asked for. */
const IDLE_MS = 60_000;

/** How many purses are kept. */
const MAX_PURSES = 10_000;

/** Who has a budget. */
export interface Payer {
  /** The name of the viewer: all of its requests share a budget. */
  readonly name: string;
  /** Points that come in a minute, and can be saved up. */
  readonly perMinute: number;
}

/** How a budget is, as far as this process knows: others may have taken from it since it asked. */
export interface Standing {
  /** Points a minute. */
  readonly limit: number;
  /** Whole points that are left; 0 where it is overdrawn. */
  readonly remaining: number;
  /** Seconds until all of them are there again. */
  readonly resetSeconds: number;
}

/** How a budget is after something was to be taken from it. */
export interface Spending extends Standing {
  /** Seconds until there is as much as was asked for, at least 1, where there was not; then nothing was taken. */
  readonly retryAfterSeconds?: number;
}

/** What callers may still cost. */
export interface Budgets {
  /**
   * Takes what something costs before it is done. What costs more than a minute's worth is done once the budget is full,
   * which is overdrawn by it: nobody waits for ever.
   * @returns at once where there is enough at hand.
   * @throws what asking for more points fails with.
   */
  spend(payer: Payer, points: number): Spending | Promise<Spending>;
  /** Takes what was done already, whatever is left. Never rejects: where it cannot be asked for, it is made up for later. */
  charge(payer: Payer, points: number): Promise<void>;
}

/** What a process holds of a caller's budget: points it has taken out of it in advance, or could not take yet. */
class Purse {
  points = 0;
  /** When what is left outside will be full, as of when it was asked last; others can only make that later. */
  fullAtMs = -Infinity;
  /** The asking that is under way. */
  asking: Promise<boolean> | undefined;
}

export interface BudgetOptions {
  readonly lease: LeasePoints;
  /** Called where points that were used could not be taken. */
  readonly onFailure: (name: string, error: unknown) => void;
  /** Milliseconds of a clock that is never set. */
  readonly now?: () => number;
}

/** Hands points out of blocks that it takes from budgets, which may be shared with other processes. */
export function createBudgets(options: BudgetOptions): Budgets {
  const { lease, onFailure, now = () => performance.now() } = options;
  const purses = new LRUCache<string, Purse>({
    max: MAX_PURSES,
    ttl: IDLE_MS,
    ttlResolution: 0,
    updateAgeOnGet: true,
    perf: { now },
  });
  const purseOf = ({ name }: Payer): Purse => {
    let purse = purses.get(name);
    if (!purse) purses.set(name, (purse = new Purse()));
    return purse;
  };
  const outside = (purse: Purse, perMinute: number) => pointsIn(purse.fullAtMs - now(), perMinute);

  /** Asks for what a purse lacks to pay for something, once at a time. @returns whether that is paid. */
  const pay = async (
    purse: Purse,
    { name, perMinute }: Payer,
    points: number,
    onCredit: boolean,
  ): Promise<boolean> => {
    // Nobody else is to spend meanwhile what this counts on.
    const held = purse.points;
    purse.points = 0;
    const wish = { perMinute, needed: points - held, block: blockOf(perMinute), onCredit };
    let change = held;
    const asking = lease(name, wish)
      .then(({ granted, fullInMs }) => {
        purse.fullAtMs = now() + fullInMs;
        if (granted > 0) change += granted - points;
        return granted > 0;
      })
      .finally(() => {
        purse.points += change;
        purse.asking = undefined;
      });
    purse.asking = asking;
    return asking;
  };

  const standingOf = (purse: Purse, limit: number): Standing => {
    const left = Math.min(limit, purse.points + outside(purse, limit));
    return {
      limit,
      remaining: Math.max(0, wholePoints(left)),
      resetSeconds: secondsOf(limit - left, limit),
    };
  };

  /** Pays out of what a purse holds, if that is enough. */
  const payAtOnce = (purse: Purse, points: number, perMinute: number): Standing | undefined => {
    if (purse.points < points) return undefined;
    purse.points -= points;
    return standingOf(purse, perMinute);
  };

  const spendSoon = async (purse: Purse, payer: Payer, points: number): Promise<Spending> => {
    const { perMinute } = payer;
    for (;;) {
      const paid = payAtOnce(purse, points, perMinute);
      if (paid) return paid;
      if (purse.asking) {
        await purse.asking;
        continue;
      }
      if (purse.points < 0) {
        await pay(purse, payer, 0, true);
        continue;
      }
      const lacking = points - purse.points;
      const needed = Math.min(lacking, perMinute);
      const left = outside(purse, perMinute);
      if (wholePoints(left) < needed) {
        const retryAfterSeconds = Math.max(1, secondsOf(needed - left, perMinute));
        return { ...standingOf(purse, perMinute), retryAfterSeconds };
      }
      if (await pay(purse, payer, points, false)) return standingOf(purse, perMinute);
    }
  };

  return {
    spend(payer, points) {
      const purse = purseOf(payer);
      return payAtOnce(purse, points, payer.perMinute) ?? spendSoon(purse, payer, points);
    },

    async charge(payer, points) {
      const purse = purseOf(payer);
      purse.points -= points;
      if (purse.points >= 0 || purse.asking) return;
      try {
        await pay(purse, payer, 0, true);
      } catch (error) {
        onFailure(payer.name, error);
      }
    },
  };
}
