import { createKey, listKeys, revokeKey, type KeyKind } from '../auth/keys.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { isTextId, MAX_TEXT_BYTES } from '../domain/ids.ts';
import type { Role } from '../domain/viewer.ts';
import { withDatabase } from './database.ts';
import { ensureMigrated } from './migrated.ts';

export interface CreateOptions {
  kind: KeyKind;
  role: Role;
  campaign?: string[];
  allCampaigns?: boolean;
  hidePeople?: boolean;
  name: string;
  budget?: number;
  expires?: Date;
}

const withKeys = (config: Config, run: (database: Database) => Promise<number>) =>
  withDatabase(config, async (database) => {
    await ensureMigrated(database, config.migrate);
    return run(database);
  });

/** What is wrong with a wish for a key; undefined if nothing is. */
function problemOf({ role, campaign, allCampaigns, hidePeople, name }: CreateOptions) {
  if ((campaign === undefined) === !allCampaigns) {
    return 'Say either --all-campaigns, or which they are: --campaign ID, as often as there are some.';
  }
  const wrong = campaign?.find((id) => !isTextId(id));
  if (wrong !== undefined) return `${JSON.stringify(wrong)} cannot be the id of a campaign.`;
  if (hidePeople && role !== 'reader') return 'Only a reader can be told without people.';
  if (name !== '' && !isTextId(name)) return `A name has at most ${MAX_TEXT_BYTES} bytes.`;
  return undefined;
}

/** A key may come before its campaigns, but a slip of the finger is more likely. */
async function warnOfUnknown({ prisma }: Database, campaigns: readonly string[]): Promise<void> {
  const found = await prisma.campaign.findMany({
    where: { id: { in: [...campaigns] } },
    select: { id: true },
  });
  const known = new Set(found.map(({ id }) => id));
  for (const id of campaigns.filter((one) => !known.has(one))) {
    process.stderr.write(`There is no campaign ${JSON.stringify(id)} yet.\n`);
  }
}

/**
 * Makes a key and writes it to standard output, which is the only time that it is told.
 * @throws if it is not a key that there can be.
 */
export async function runCreateKey(config: Config, options: CreateOptions): Promise<number> {
  const problem = problemOf(options);
  if (problem !== undefined) throw new Error(problem);
  return withKeys(config, async (database) => {
    const { kind, role, name, campaign } = options;
    const campaigns = campaign && [...new Set(campaign)];
    const { id, secret } = await createKey(database.prisma, config.secretKey, {
      kind,
      role,
      name,
      campaigns,
      people: options.hidePeople ? 'hidden' : 'shown',
      budget: options.budget ?? null,
      expiresAt: options.expires ?? null,
    });
    if (campaigns) await warnOfUnknown(database, campaigns);
    process.stdout.write(
      kind === 'signed' ? `access key: ${id}\nsecret key: ${secret}\n` : `API key: ${secret}\n`,
    );
    process.stderr.write('It is shown this once; the database cannot tell it.\n');
    return 0;
  });
}

const HEADINGS = [
  'id',
  'kind',
  'role',
  'campaigns',
  'people',
  'budget',
  'state',
  'created',
  'name',
];

/** Points a minute. */
function budgetOf({ budget }: { budget: number | null }): string {
  return budget === null ? 'default' : budget === 0 ? 'unlimited' : String(budget);
}

function stateOf({ revokedAt, expiresAt }: { revokedAt: Date | null; expiresAt: Date | null }) {
  if (revokedAt) return `revoked ${revokedAt.toISOString()}`;
  if (!expiresAt) return 'valid';
  const tense = expiresAt.getTime() > Date.now() ? 'valid until' : 'expired';
  return `${tense} ${expiresAt.toISOString()}`;
}

/** Writes a table of all keys, without what is secret in them. */
export function runListKeys(config: Config): Promise<number> {
  return withKeys(config, async ({ prisma }) => {
    const keys = await listKeys(prisma);
    const rows = keys.map((key) => [
      key.id,
      key.kind,
      key.role,
      // Whoever chose these texts must not write to this terminal.
      key.allCampaigns ? 'all' : JSON.stringify(key.campaigns),
      key.people,
      budgetOf(key),
      stateOf(key),
      key.createdAt.toISOString(),
      key.name === '' ? '' : JSON.stringify(key.name),
    ]);
    const table = [HEADINGS, ...rows];
    const widths = HEADINGS.map((_, n) => Math.max(...table.map((row) => row[n]!.length)));
    for (const row of table) {
      const cells = row.map((cell, n) => cell.padEnd(widths[n]!));
      process.stdout.write(`${cells.join('  ').trimEnd()}\n`);
    }
    return 0;
  });
}

/** Ends a key for good. @throws if there is none of that id. */
export function runRevokeKey(config: Config, id: string): Promise<number> {
  return withKeys(config, async ({ prisma }) => {
    const wasAlive = await revokeKey(prisma, id);
    if (wasAlive === undefined) throw new Error(`There is no key ${JSON.stringify(id)}.`);
    process.stdout.write(
      wasAlive
        ? `Revoked ${id}: within five seconds no gateway lets it in.\n`
        : `${id} was revoked before.\n`,
    );
    return 0;
  });
}
