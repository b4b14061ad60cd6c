import { hash, randomBytes } from 'node:crypto';
import type { AccessKey, PrismaClient } from '../database/generated/client/client.ts';
import type { Role, Viewer } from '../domain/viewer.ts';
import { encrypt } from './encryption.ts';

export type { AccessKey };

/** How a key is used: it signs requests, or is sent with them. */
export const KEY_KINDS = ['signed', 'api'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** What a new key is to be. */
export interface KeyTerms {
  readonly kind: KeyKind;
  readonly name: string;
  readonly role: Role;
  /** Undefined: all. */
  readonly campaigns: readonly string[] | undefined;
  readonly people: Viewer['people'];
  /** Points a minute; 0: without end; null: as the gateway is configured. */
  readonly budget: number | null;
  readonly expiresAt: Date | null;
}

/** A new key, with what is told this once: nobody can read it out of the database. */
export interface CreatedKey {
  readonly id: string;
  /** Of a signed key its secret key; of an API key all that is sent. */
  readonly secret: string;
}

// 96 bits that are no secret, 256 that are: nobody can guess them, so that a plain hash protects them.
const ID_BYTES = 12;
const SECRET_BYTES = 32;

/** The hash that an API key's secret is stored as. */
export function hashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** What is sent of an API key. The prefix lets scanners find those that were published by mistake. */
function formatApiKey(id: string, secret: string): string {
  return `rosetta_${id}_${secret}`;
}

/** Whether a text can be the id of a key. */
export function isKeyId(text: string): boolean {
  return /^[0-9a-f]{24}$/.test(text);
}

/** The two parts of an API key; undefined for a text that is none. */
export function parseApiKey(text: string): { id: string; secret: string } | undefined {
  const [, id, secret] = /^rosetta_([0-9a-f]{24})_([0-9a-f]{64})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/**
 * Makes a key.
 * @param secretKey what the secrets of signed keys are encrypted with.
 * @throws if it is to be a signed one and there is no such key.
 */
export async function createKey(
  prisma: PrismaClient,
  secretKey: Uint8Array | undefined,
  { kind, campaigns, ...terms }: KeyTerms,
): Promise<CreatedKey> {
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = randomBytes(SECRET_BYTES).toString('hex');
  if (kind === 'signed' && !secretKey) {
    throw new Error(
      'A signed key needs GATEWAY_SECRET_KEY, which its secret is encrypted with: openssl rand -base64 32',
    );
  }
  const stored = kind === 'signed' ? encrypt(secretKey!, id, secret) : hashOf(secret);
  await prisma.accessKey.create({
    data: {
      ...terms,
      id,
      kind,
      allCampaigns: campaigns === undefined,
      campaigns: [...(campaigns ?? [])],
      secret: new Uint8Array(stored),
    },
  });
  return { id, secret: kind === 'signed' ? secret : formatApiKey(id, secret) };
}

/** All keys, the oldest first, without what is secret in them. */
export function listKeys(prisma: PrismaClient): Promise<Omit<AccessKey, 'secret'>[]> {
  return prisma.accessKey.findMany({
    omit: { secret: true },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
}

/** Ends a key for good. @returns whether it was alive; undefined if there is none of that id. */
export async function revokeKey(prisma: PrismaClient, id: string): Promise<boolean | undefined> {
  const { count } = await prisma.accessKey.updateMany({
    where: { id, revokedAt: null },
    data: { revokedAt: new Date() },
  });
  if (count > 0) return true;
  return (await prisma.accessKey.findUnique({ where: { id } })) ? false : undefined;
}

/** Whether a key has neither been revoked nor ended by itself. */
export function isLive({ revokedAt, expiresAt }: Pick<AccessKey, 'revokedAt' | 'expiresAt'>) {
  return revokedAt === null && (expiresAt === null || expiresAt.getTime() > Date.now());
}

/** Who asks with a key. */
export function viewerOf({ id, role, allCampaigns, campaigns, people }: AccessKey): Viewer {
  return {
    name: `key ${id}`,
    // The table has checks on both.
    role: role as Role,
    campaigns: allCampaigns ? undefined : campaigns,
    people: people as Viewer['people'],
  };
}
