import { GatewayError } from '../errors.ts';
import type { Session } from '../session.ts';
import type { Budgets, Spending, Standing } from './budgets.ts';

/** Who asks has not enough points for it yet. */
export class RateLimitedError extends GatewayError {
  override name = 'RateLimitedError';

  constructor(
    points: number,
    readonly standing: Standing,
    /** At least 1. */
    readonly retryAfterSeconds: number,
  ) {
    super(
      'RATE_LIMITED',
      `This costs ${points} points, and the budget has ${standing.remaining}; ${standing.limit} come in a minute: try again in ${retryAfterSeconds} seconds.`,
    );
  }
}

/** What a request is charged to. */
export interface Account {
  /**
   * Takes points before what they are for is done.
   * @returns how the budget is afterwards, at once where that is known; undefined where there is none.
   * @throws RateLimitedError; or what asking for the budget fails with.
   */
  spend(points: number): Standing | undefined | Promise<Standing | undefined>;
  /** Takes points for what was done, whether or not there are as many. */
  charge(points: number): void;
}

/** Those who want to know of an account. */
interface Listeners {
  /** Called with what whoever asks is to be told of his budget. */
  readonly tell: (spending: Spending) => void;
  /** Called with what the request costs as far as that is known, whether or not it is paid. */
  readonly onCost: (points: number) => void;
}

/** Opens the account of a request. @param session who asks. */
export function openAccount(
  budgets: Budgets,
  { viewer, budget }: Session,
  { tell, onCost }: Listeners,
): Account {
  const payer = budget === undefined ? undefined : { name: viewer.name, perMinute: budget };
  let cost = 0;
  const note = (points: number) => onCost((cost += points));
  const settle = (points: number, spending: Spending): Standing => {
    tell(spending);
    const { retryAfterSeconds, ...standing } = spending;
    if (retryAfterSeconds === undefined) return standing;
    throw new RateLimitedError(points, standing, retryAfterSeconds);
  };
  return {
    spend(points) {
      note(points);
      const spending = payer && budgets.spend(payer, points);
      return spending instanceof Promise
        ? spending.then((one) => settle(points, one))
        : spending && settle(points, spending);
    },
    charge(points) {
      note(points);
      if (payer) void budgets.charge(payer, points);
    },
  };
}
