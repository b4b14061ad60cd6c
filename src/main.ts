#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { readConfig } from './config/config.ts';
import {
  EXPORT_ARGUMENT_NAMES,
  EXPORT_NAMES,
  readTextArgument,
  type ExportArgument,
  type ExportName,
} from './domain/exports.ts';

/** The exit status of a command that could not do its work. */
const FAILED = 2;

const { version, description } = createRequire(import.meta.url)('../package.json') as {
  version: string;
  description: string;
};

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError('A whole number of at most nine digits is allowed.');
  }
  return Number(text);
}

const config = () => readConfig(process.env);
const exitWith = async (status: number | Promise<number>) => {
  process.exitCode = await status;
};

// Each command loads what it needs when it runs: an import has no use for the GraphQL schema, which takes memory and time.
const program = new Command('rosetta-gateway')
  .description(`${description}. Configured by environment variables: see README.md.`)
  .version(version);

program
  .command('serve')
  .description('run the gateway until SIGTERM')
  .action(async () => {
    const { runServe } = await import('./commands/serve.ts');
    await exitWith(runServe(config()));
  });

program
  .command('import')
  .description('import NDJSON files, gzipped or not; "-" is standard input')
  .argument('<file...>')
  .option('--ignore-unknown', 'take lines without the fields that their type does not have', false)
  .action(async (files: string[], options: { ignoreUnknown: boolean }) => {
    const { runImport } = await import('./commands/import.ts');
    await exitWith(runImport(config(), files, options));
  });

program
  .command('export')
  .description('export rows, as GET /export does, to standard output or a file')
  .addArgument(new Argument('<what>').choices(EXPORT_NAMES))
  .option('--format <format>', 'ndjson or csv')
  .option('--filter <json>', 'which rows, or campaigns with their rows: a filter of GraphQL')
  .option('--after <type:id>', 'the last row of an export that broke off')
  .option('--group-by <keys>', 'of the workload, separated by commas')
  .option('--time-zone <zone>', 'of the workload')
  .option('--having <json>', 'of the workload')
  .option('--order-by <json>', 'of the workload')
  .option('--measures <names>', 'of the workload, separated by commas; all unless told')
  .option('--output <file>', 'a file to write anew; "-" is standard output', '-')
  .option('--gzip', 'packed', false)
  .action(
    async (
      what: ExportName,
      options: Partial<Record<ExportArgument, string>> & { output: string; gzip: boolean },
    ) => {
      const { runExport } = await import('./commands/export.ts');
      const given = EXPORT_ARGUMENT_NAMES.flatMap((name) => {
        const text = options[name];
        return text === undefined ? [] : [[name, readTextArgument(name, [text])] as const];
      });
      await exitWith(runExport(config(), what, Object.fromEntries(given), options));
    },
  );

program
  .command('delete')
  .description('delete a campaign with its requests, pools, tasks and records')
  .requiredOption('--campaign <id>', 'the campaign')
  .option('--yes', 'do not ask', false)
  .action(async (options: { campaign: string; yes: boolean }) => {
    const { runDelete } = await import('./commands/delete.ts');
    await exitWith(runDelete(config(), options));
  });

program
  .command('migrate')
  .description("bring the database's tables up to date")
  .action(async () => {
    const { runMigrate } = await import('./commands/migrate.ts');
    await exitWith(runMigrate(config()));
  });

program
  .command('demo-data')
  .description('write simulated data to standard output, in the format that import takes')
  .option('--tasks <number>', 'how many tasks', wholeNumber, 2000)
  .option('--seed <number>', 'another simulation', wholeNumber)
  .action(async (options: { tasks: number; seed?: number }) => {
    const { runDemoData } = await import('./commands/demo-data.ts');
    await exitWith(runDemoData(options));
  });

try {
  await program.parseAsync();
} catch (error) {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  // Whoever types a command reads a sentence; where the fault is ours, it comes with the place.
  const isBug = error instanceof TypeError || error instanceof RangeError;
  process.stderr.write(`rosetta-gateway: ${(isBug && stack) || message}\n`);
  process.exitCode = FAILED;
}
