#!/usr/bin/env node
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { CreateOptions } from './commands/keys.ts';
import { readConfig } from './config/config.ts';
import { description, version } from './config/program.ts';
import {
  EXPORT_ARGUMENT_NAMES,
  EXPORT_NAMES,
  readTextArgument,
  type ExportArgument,
  type ExportName,
} from './domain/exports.ts';
import { ROLES } from './domain/viewer.ts';

/** The exit status of a command that could not do its work. */
const FAILED = 2;

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError('A whole number of at most nine digits is allowed.');
  }
  return Number(text);
}

const DAY_MS = 86_400_000;

/** When a key ends: in some days, or at an instant of RFC 3339. */
function future(text: string): Date {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const at = days ? Date.now() + Number(days) * DAY_MS : isInstant ? Date.parse(text) : NaN;
  if (!(at > Date.now())) {
    throw new InvalidArgumentError(
      'Days to come, such as 90d, or an instant to come, such as 2030-01-01T00:00:00Z, are allowed.',
    );
  }
  return new Date(at);
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
  .command('rollups')
  .description('roll the workload up anew, by the days of GATEWAY_TIME_ZONE')
  .option('--check', 'compare the roll-ups with the records instead, and change nothing', false)
  .action(async ({ check }: { check: boolean }) => {
    const { runCheckRollUps, runRollUps } = await import('./commands/rollups.ts');
    await exitWith((check ? runCheckRollUps : runRollUps)(config()));
  });

const keys = program
  .command('keys')
  .description('the keys of callers: see "Who may ask" in README.md');

keys
  .command('create')
  .description('make a key, and write it to standard output this once')
  .addOption(
    new Option('--kind <kind>', 'what it is: for signatures, or sent as it is')
      .choices(['signed', 'api'])
      .makeOptionMandatory(),
  )
  .addOption(
    new Option('--role <role>', 'what its callers may do: all, read, or put data in')
      .choices([...ROLES])
      .makeOptionMandatory(),
  )
  .option('--campaign <id...>', 'a campaign that exists for them')
  .option('--all-campaigns', 'all of them do')
  .option('--hide-people', 'a reader is not told who did what')
  .option('--name <text>', 'what to call it in the list', '')
  .option(
    '--budget <points>',
    'points a minute that its callers may cost; 0: without limit',
    wholeNumber,
  )
  .option('--expires <when>', 'when it ends by itself: 90d, or 2030-01-01T00:00:00Z', future)
  .action(async (options: CreateOptions) => {
    const { runCreateKey } = await import('./commands/keys.ts');
    await exitWith(runCreateKey(config(), options));
  });

keys
  .command('list')
  .description('write a table of all keys, without their secrets')
  .action(async () => {
    const { runListKeys } = await import('./commands/keys.ts');
    await exitWith(runListKeys(config()));
  });

keys
  .command('revoke')
  .description('end a key for good, within seconds on every gateway')
  .argument('<id>')
  .action(async (id: string) => {
    const { runRevokeKey } = await import('./commands/keys.ts');
    await exitWith(runRevokeKey(config(), id));
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
