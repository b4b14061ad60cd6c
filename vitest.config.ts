import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// Vite would take the package's ES module where Node takes its CommonJS one: two sets of classes.
const graphql = createRequire(import.meta.url).resolve('graphql');

// The tests run on the embedded database, or on the PostgreSQL server that DATABASE_URL names. Those that need a real
// server are a project of their own, which only that second run has.
export const project = (name: string, include: string, exclude: string[] = []) => ({
  resolve: { alias: [{ find: /^graphql$/, replacement: graphql }] },
  test: {
    name,
    include: [include],
    exclude,
    globalSetup: 'test/support/global-setup.ts',
    // A worker imports the gateway once for all of its files: one after another they find its modules as the last has left
    // them, and each has databases of its own.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('gateway', 'test/**/*.test.ts', ['test/postgres/**', 'test/faults/**']),
      ...(process.env.DATABASE_URL ? [project('postgres', 'test/postgres/**/*.test.ts')] : []),
    ],
    maxWorkers: 2,
  },
});
