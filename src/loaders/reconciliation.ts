import DataLoader from 'dataloader';
import type { PrismaClient } from '../database/generated/client/client.ts';
import {
  discrepanciesOfScopes,
  type Discrepancy,
  type ReconciledScope,
} from '../database/reconciliation.ts';

/** A loader of what does not add up in each scope. */
export function discrepanciesByKey(
  prisma: PrismaClient,
  scope: ReconciledScope,
): DataLoader<string, Discrepancy[]> {
  return new DataLoader(async (parents) => {
    const found = await discrepanciesOfScopes(prisma, scope, parents);
    return parents.map((parent) => found.get(parent)!);
  });
}
