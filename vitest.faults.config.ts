import { defineConfig } from 'vitest/config';
import { project } from './vitest.config.ts';

// What is done to a real PostgreSQL server and a real gateway, each a process that a test itself starts and ends: they
// need none of the databases that the other tests share.
const { resolve, test } = project('faults', 'test/faults/**/*.test.ts');

export default defineConfig({
  resolve,
  test: { ...test, globalSetup: [], hookTimeout: 120_000, maxWorkers: 2 },
});
