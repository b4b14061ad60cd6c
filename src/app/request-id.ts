import { randomUUID } from 'node:crypto';

/** A fresh request id: 32 lower-case hex digits. */
export function createRequestId(): string {
  return randomUUID().replaceAll('-', '');
}
