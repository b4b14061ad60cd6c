import { spawnSync } from 'node:child_process';

// Vitest knows no options but its own: npm run test:faults -- [--full] [options and files of vitest]
const FULL = '--full';
const given = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config=vitest.faults.config.ts',
    '--reporter=default',
    '--reporter=./test/faults/support/table.ts',
    ...given.filter((argument) => argument !== FULL),
  ],
  {
    stdio: 'inherit',
    env: { ...process.env, FAULTS: given.includes(FULL) ? 'full' : 'short' },
  },
);
process.exitCode = status ?? 1;
