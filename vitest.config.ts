import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// Vite would take the package's ES module where Node takes its CommonJS one: two sets of classes.
const graphql = createRequire(import.meta.url).resolve('graphql');

// The tests run on the embedded database, or on the PostgreSQL server that DATABASE_URL names. Those that need a real
// server are a project of their own, which only that second run has; so are those that start the program on directories of
// its own, which are the same in both.
export const project = (name: string, include: string) => ({
  resolve: { alias: [{ find: /^graphql$/, replacement: graphql }] },
  test: {
    name,
    include: [include],
    globalSetup: 'test/support/global-setup.ts',
    // A worker imports the gateway once for all of its files: one after another they find its modules as the last has left
    // them, and each has databases of its own.
    isolate: false,
    // Optimizing the embedded database's WebAssembly takes longer than the tests then save.
    execArgv: ['--liftoff-only'],
    // For what hangs: who waits for something may be on a machine that does much else.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 120_000 } },
  },
});

const program = project('program', 'test/program/*.test.ts');

export default defineConfig({
  test: {
    projects: [
      project('gateway', 'test/*.test.ts'),
      { ...program, test: { ...program.test, globalSetup: [] } },
      ...(process.env.DATABASE_URL ? [project('postgres', 'test/postgres/*.test.ts')] : []),
    ],
    maxWorkers: 2,
  },
});
