import { execFile } from 'node:child_process';
import { mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const PROJECT_DIRECTORY = fileURLToPath(new URL('../..', import.meta.url));
const BUILD_INFO = join(PROJECT_DIRECTORY, 'dist/.tsbuildinfo');
const LOCK = join(PROJECT_DIRECTORY, 'dist/.test-build');

/** Milliseconds after which a build that somebody else has begun is taken for dead. */
const BUILD_LIMIT_MS = 60_000;

async function timeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}

async function isStale(): Promise<boolean> {
  const built = await timeOf(BUILD_INFO);
  const files = await readdir(join(PROJECT_DIRECTORY, 'src'), { recursive: true });
  const times = await Promise.all(
    files.map((file) => timeOf(join(PROJECT_DIRECTORY, 'src', file))),
  );
  return times.some((time) => time > built);
}

async function build(): Promise<void> {
  if (!(await isStale())) return;
  await mkdir(join(LOCK, '..'), { recursive: true });
  for (;;) {
    try {
      await mkdir(LOCK);
      break;
    } catch {
      if (Date.now() - (await timeOf(LOCK)) > BUILD_LIMIT_MS) await rmdir(LOCK).catch(() => {});
      await sleep(100);
    }
  }
  try {
    // Another test file may have done it meanwhile.
    if (!(await isStale())) return;
    const compiler = join(PROJECT_DIRECTORY, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
      cwd: PROJECT_DIRECTORY,
    });
  } finally {
    await rmdir(LOCK);
  }
}

let built: Promise<void> | undefined;

/** Compiles the program if its sources are newer, once for all test files that run at the same time. */
export function ensureBuilt(): Promise<void> {
  return (built ??= build());
}
