import type { PrismaClient } from './generated/client/client.ts';

/**
 * Takes a nonce of a key, for all copies of the gateway. Time is the database's, as with idempotency keys; what has expired
 * is removed in passing.
 * @param keptMs milliseconds for which nobody can take it again.
 * @returns whether nobody had it.
 */
export async function claimNonce(
  prisma: PrismaClient,
  accessKeyId: string,
  nonce: string,
  keptMs: number,
): Promise<boolean> {
  await prisma.$executeRaw`
    DELETE FROM used_nonce WHERE (access_key_id, nonce) IN (
      SELECT access_key_id, nonce FROM used_nonce WHERE expires_at <= now() FOR UPDATE SKIP LOCKED)`;
  const inserted = await prisma.$executeRaw`
    INSERT INTO used_nonce (access_key_id, nonce, expires_at)
    VALUES (${accessKeyId}, ${nonce}, now() + ${keptMs}::int * interval '1 ms')
    ON CONFLICT (access_key_id, nonce) DO NOTHING`;
  return inserted === 1;
}
