import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The directory is in use by another process; the message names it and what to do. */
export class DirectoryInUseError extends Error {
  override name = 'DirectoryInUseError';
}

interface Holder {
  pid: number;
  host: string;
  token: string;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

/** Who holds the lock; null if nobody, `unreadable` if the file's writer lost power before it reached the disk. */
async function readHolder(path: string): Promise<Holder | 'unreadable' | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // There is such a process, but it belongs to another user.
    return isCode(error, 'EPERM');
  }
}

function sameHolder(a: Holder | 'unreadable' | null, b: Holder | 'unreadable' | null): boolean {
  return typeof a === 'object' && typeof b === 'object' ? a?.token === b?.token : a === b;
}

/** Removes a dead holder's lock, unless another process has meanwhile put its own in that place. */
async function removeDeadLock(path: string, dead: Holder | 'unreadable'): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return;
    throw error;
  }
  if (sameHolder(await readHolder(aside), dead)) await rm(aside);
  else await rename(aside, path);
}

/**
 * Takes a directory for this process. The lock names its holder, so that the lock of a process that died (SIGKILL, a
 * power cut) is taken over at once and that of a living one is respected.
 * @returns a function that gives the directory back.
 * @throws DirectoryInUseError if another process holds it.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'gateway.lock');
  const mine: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine));
  try {
    for (;;) {
      try {
        // Linking is atomic: whoever sees the lock sees it whole.
        await link(draft, path);
        break;
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error;
      }
      const holder = await readHolder(path);
      if (holder === null) continue;
      if (holder !== 'unreadable') {
        const elsewhere = holder.host !== mine.host;
        // Our own number in a dead lock: the first process of a container that was restarted.
        if (elsewhere || (holder.pid !== mine.pid && isAlive(holder.pid))) {
          throw new DirectoryInUseError(
            `The embedded database in ${directory} is in use by process ${holder.pid}` +
              `${elsewhere ? ` on ${holder.host}` : ''}: it serves one process at a time. Stop that process, give ` +
              'this one another directory with GATEWAY_DATA_DIR, or use a PostgreSQL server with DATABASE_URL. ' +
              `If there is no such process any more, remove ${path}.`,
          );
        }
      }
      await removeDeadLock(path, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    if (sameHolder(await readHolder(path), mine)) await rm(path);
  };
}
