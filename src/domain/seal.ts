import { createHash } from 'node:crypto';

/**
 * What we hand out to be given back: opaque to callers, with a checksum that tells what was edited from what we issued. It
 * is no secret and protects nothing.
 */
export const CHECKSUM_LENGTH = 8;

export function checksum(text: string): string {
  // PostgreSQL has this one too, and seals cursors in the same way.
  return createHash('sha256').update(text).digest('base64url').slice(0, CHECKSUM_LENGTH);
}

/** @param name what the content belongs to; only who knows it can read the content. */
export function seal(name: string, content: string): string {
  return Buffer.from(checksum(`${name}\n${content}`) + content).toString('base64url');
}

/** The content of what was sealed under a name; undefined for anything else. */
export function unseal(name: string, sealed: string): string | undefined {
  const text = Buffer.from(sealed, 'base64url').toString();
  const content = text.slice(CHECKSUM_LENGTH);
  // Base64 has several spellings of the same bytes; we issue one.
  return seal(name, content) === sealed ? content : undefined;
}
