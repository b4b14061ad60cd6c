// Generates the Prisma client and its types for Pothos, if they are older than what they are made of.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inputs = ['prisma/schema.prisma', 'package-lock.json', 'prisma/generate.js'];
const output = join(root, 'src/database/generated/pothos.ts');

const modified = (path) => statSync(path).mtimeMs;
const isFresh =
  existsSync(output) && inputs.every((path) => modified(join(root, path)) <= modified(output));

if (!isFresh) {
  const prisma = createRequire(import.meta.url).resolve('prisma/build/index.js');
  execFileSync(process.execPath, [prisma, 'generate', '--no-hints'], {
    cwd: root,
    // Standard output belongs to the command this prepares.
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      // Prisma would download a schema engine. Generating does not use it: any program that exists will do.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
}
