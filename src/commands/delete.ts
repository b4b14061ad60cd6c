import { createInterface } from 'node:readline/promises';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import {
  countCampaignRows,
  deleteCampaign,
  type CampaignRows,
} from '../database/delete-campaign.ts';
import { ENTITY_TYPES } from '../domain/entities.ts';
import { withDatabase } from './database.ts';
import { ensureMigrated } from './migrated.ts';
import { createProgress } from './progress.ts';
import { INTERRUPTED, stopSignal } from './signals.ts';

export interface DeleteOptions {
  campaign: string;
  /** Deletes without asking. */
  yes: boolean;
}

const describeRows = (rows: CampaignRows) =>
  ENTITY_TYPES.map((type) => `  ${type.padEnd(17)} ${rows[type]}\n`).join('');

/** Has the campaign's id typed on the terminal. */
async function isConfirmed(campaign: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // On a terminal of its own, Ctrl+C is no signal.
  const given = new Promise<undefined>((resolve) =>
    terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT')).once('close', resolve),
  );
  try {
    const question = terminal.question(`Type the campaign's id to delete all of this: `, {
      signal,
    });
    return (await Promise.race([question, given])) === campaign;
  } finally {
    terminal.close();
  }
}

async function deleteRows(
  database: Database,
  { campaign, yes }: DeleteOptions,
  signal: AbortSignal,
): Promise<void> {
  const found = await countCampaignRows(database.prisma, campaign);
  if (!found) throw new Error(`There is no campaign ${JSON.stringify(campaign)}.`);
  process.stdout.write(`The campaign ${JSON.stringify(campaign)} has\n${describeRows(found)}`);
  if (!yes && !(await isConfirmed(campaign, signal))) {
    throw new Error('Nothing was deleted: what was typed is not the id of the campaign.');
  }
  const total = ENTITY_TYPES.reduce((sum, type) => sum + found[type], 0);
  const progress = createProgress(campaign);
  const started = performance.now();
  const deleted = await deleteCampaign(database.prisma, campaign, {
    onProgress: (rows) => progress.show(rows, rows / total),
    signal,
  }).finally(() => progress.end());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`Deleted in ${seconds} s:\n${describeRows(deleted)}`);
}

/**
 * Deletes a campaign with all that hangs on it.
 * @returns the exit status: 0, or 130 if it was interrupted; then nothing is deleted.
 * @throws if it could not be done, or is not confirmed.
 */
export async function runDelete(config: Config, options: DeleteOptions): Promise<number> {
  if (!options.yes && !process.stdin.isTTY) {
    throw new Error('Nothing was deleted: there is no terminal to ask on. Say --yes to delete.');
  }
  const stop = stopSignal();
  return withDatabase(config, async (database) => {
    await ensureMigrated(database, config.migrate);
    try {
      await deleteRows(database, options, stop);
      return 0;
    } catch (error) {
      if (!stop.aborted) throw error;
      process.stdout.write('Interrupted: nothing was deleted.\n');
      return INTERRUPTED;
    }
  });
}
