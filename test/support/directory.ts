import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];

/** An empty directory, until `removeDirectories`. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-test-'));
  directories.push(directory);
  return directory;
}

/** Removes the directories of this test file; for `afterAll`, once nobody uses them any more. */
export async function removeDirectories(): Promise<void> {
  await Promise.all(
    directories.splice(0).map((path) => rm(path, { recursive: true, force: true })),
  );
}
