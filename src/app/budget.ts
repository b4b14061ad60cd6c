import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { leasesOf } from '../database/budget.ts';
import type { Database } from '../database/database.ts';
import { untilOver } from '../database/request.ts';
import { openAccount, type Account } from '../domain/budget/account.ts';
import { createBudgets, type Spending } from '../domain/budget/budgets.ts';
import type { LeasePoints } from '../domain/budget/leases.ts';
import type { ExportName } from '../domain/exports.ts';
import type { Session } from '../domain/session.ts';
import type { OperationRecord } from '../plugins/operation-record.ts';
import { tellHeader } from '../rest/rest.ts';

/**
 * Points that an export begins with: to find the first row may mean to go through all of them, and for the workload it
 * does, as often as a report on everything.
 */
export const EXPORT_START: Readonly<Record<ExportName, number>> = {
  all: 1000,
  tasks: 1000,
  'annotation-history': 1000,
  workload: 10_000,
};

/** A row of an export takes a tenth of the time that one in an answer takes. */
export const EXPORTED_ROWS_PER_POINT = 10;

/** Points that an import begins with. */
export const IMPORT_START = 10;

export const IMPORTED_LINES_PER_POINT = 1;

/** Charges for rows as they go. @returns what is to be told how many there are so far. */
export function chargeRows(account: Account, rowsPerPoint: number): (rows: number) => void {
  let charged = 0;
  return (rows) => {
    const due = Math.floor(rows / rowsPerPoint) - charged;
    charged += due;
    if (due > 0) account.charge(due);
  };
}

/** Tells a caller of his budget, in the fields of the IETF's drafts that clients know; the times are seconds from now. */
function tellBudget(
  res: ServerResponse,
  { limit, remaining, resetSeconds, retryAfterSeconds }: Spending,
): void {
  tellHeader(res, 'RateLimit-Limit', limit);
  tellHeader(res, 'RateLimit-Remaining', remaining);
  tellHeader(res, 'RateLimit-Reset', resetSeconds);
  if (retryAfterSeconds !== undefined) res.setHeader('Retry-After', retryAfterSeconds);
}

/**
 * Opens what a request is charged to.
 * @param record is told what the request costs.
 * @param res absent where an answer has no headers.
 */
export type OpenAccount = (
  session: Session,
  record: Pick<OperationRecord, 'cost'>,
  res?: ServerResponse,
) => Account;

/**
 * @param database once it is ready; nothing is charged before.
 * @param lease takes points out of budgets, if not out of those of the database; for tests.
 */
export function createAccounts(
  log: Logger,
  database: () => Database | undefined,
  lease?: LeasePoints,
): OpenAccount {
  const budgets = createBudgets({
    lease: (...wish) => {
      lease ??= leasesOf(database()!, log);
      return lease(...wish);
    },
    onFailure: (viewer, error) => log.warn({ viewer, err: error }, 'not charged yet'),
  });
  const budgetsOfRequests: typeof budgets = {
    ...budgets,
    spend: (...asked) => {
      const spending = budgets.spend(...asked);
      return spending instanceof Promise ? untilOver(spending) : spending;
    },
  };
  return (session, record, res) =>
    openAccount(budgetsOfRequests, session, {
      tell: (spending) => {
        if (res) tellBudget(res, spending);
      },
      onCost: (points) => {
        record.cost = points;
      },
    });
}
