import { defineConfig } from 'vitest/config';

// The tests run on the embedded database, or on the PostgreSQL server that DATABASE_URL names. Those that need a real
// server are a project of their own, which only that second run has.
const project = (name: string, include: string, exclude: string[] = []) => ({
  test: {
    name,
    include: [include],
    exclude,
    globalSetup: 'test/support/global-setup.ts',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('gateway', 'test/**/*.test.ts', ['test/postgres/**']),
      ...(process.env.DATABASE_URL ? [project('postgres', 'test/postgres/**/*.test.ts')] : []),
    ],
    maxWorkers: 2,
  },
});
