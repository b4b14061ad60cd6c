import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { listMigrations } from '../../src/database/migrate.ts';
import { ensureBuilt, PROJECT_DIRECTORY } from '../support/build.ts';
import { removeDirectories, temporaryDirectory } from '../support/directory.ts';
import {
  endPrograms,
  eventually,
  runProgram,
  startProgram,
  startServer,
} from '../support/process.ts';

let directory: string;
let environment: Record<string, string>;
let files: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  environment = { GATEWAY_DATA_DIR: directory, PORT: '0', GATEWAY_DEMO: 'off' };
  files = await temporaryDirectory();
});
afterAll(async () => {
  await endPrograms();
  await removeDirectories();
});

describe('the command line', () => {
  it('says what it can do, and its version', async () => {
    const help = await runProgram(['--help']);
    expect(help.code).toBe(0);
    const commands = [
      'serve',
      'import',
      'export',
      'delete',
      'migrate',
      'rollups',
      'keys',
      'demo-data',
    ];
    for (const command of commands) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    }
    expect(await runProgram(['--version'])).toMatchObject({
      code: 0,
      stdout: `${packageJson.version}\n`,
    });
  });

  it.each([[['sing']], [['demo-data', '--tasks', 'x']]])('refuses %j', async (args) => {
    const { code, stdout, stderr } = await runProgram(args, { environment });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: /);
    // Nothing was opened, nothing made.
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([['serve'], ['import']])(
    '%s ends with every bad variable named, before it opens anything',
    async (command) => {
      const { code, stdout, stderr } = await runProgram(
        [command, ...(command === 'import' ? ['-'] : [])],
        {
          environment: { ...environment, PORT: '70000', GATEWAY_MIGRATE: 'no' },
        },
      );
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toBe(
        'rosetta-gateway: PORT is out of range; allowed is a whole number from 0 to 65535\n' +
          'GATEWAY_MIGRATE is none of the known values; allowed is on or off\n',
      );
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it('ends when the port is in use, and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await runProgram(['serve'], {
      environment: { ...environment, PORT: `${port}` },
    });
    other.close();
    expect(code).toBe(2);
    expect(stderr).toBe(
      `rosetta-gateway: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
    );
    expect(await readdir(directory)).toEqual([]);
  });
});

/** What an import file says of a line that is wrong. */
const BAD_LINE = '{"type":"pool","id":1}';

describe('import', () => {
  let lines: string[];
  let file: string;

  beforeAll(async () => {
    const { stdout, code } = await runProgram(['demo-data', '--tasks', '400', '--seed', '7']);
    expect(code).toBe(0);
    lines = stdout.trimEnd().split('\n');
    file = join(files, 'rows.ndjson');
    await writeFile(file, stdout);
  });

  it('needs the tables, which migrate makes once', async () => {
    const without = await runProgram(['import', file], {
      environment: { ...environment, GATEWAY_MIGRATE: 'off' },
    });
    expect(without.code).toBe(2);
    const missing = (await listMigrations()).join(', ');
    expect(without.stderr).toContain(`The database lacks the migrations ${missing}`);
    expect(await runProgram(['migrate'], { environment })).toMatchObject({
      code: 0,
      stdout: `Applied: ${missing}\n`,
      stderr: '',
    });
    const again = await startProgram(['migrate'], { environment });
    await eventually(() => expect(again.stdout).toBe('The database is up to date.\n'));
    const told = performance.now();
    expect(await again.exit).toEqual({ code: 0, signal: null });
    expect(again.stderr).toBe('');
    // Nothing that was needed for migrating holds the process up afterwards.
    expect(performance.now() - told).toBeLessThan(8000);
  });

  it('that is interrupted keeps what it did, and is completed by running it again', async () => {
    const program = await startProgram(['import', '-'], { environment });
    // Told once its batch is committed: from then on, some of the rows are there. The rest never comes.
    program.child.stdin!.write([BAD_LINE, ...lines.slice(0, -1)].join('\n'));
    await eventually(() => {
      expect(program.stderr).toMatch(/^standard input:1: /);
    });
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    expect(program.stdout).toMatch(/^standard input: \d+ lines in .*, 1 rejected, interrupted$/m);

    const { code, stdout, stderr } = await runProgram(['import', file], { environment });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^${file}: ${lines.length} lines in \\d+\\.\\d s \\(\\d+ lines/s\\), 0 rejected$`,
        'm',
      ),
    );
    expect(stdout).toMatch(
      /^ {2}task +400 created|^ {2}task +\d+ created, 0 updated, \d+ unchanged/m,
    );
    const [, created, unchanged] =
      /annotationHistory +(\d+) created, 0 updated, (\d+) unchanged, 0 rejected/.exec(stdout)!;
    const records = lines.filter((line) => line.includes('"annotationHistory"')).length;
    expect(Number(created) + Number(unchanged)).toBe(records);
    expect(Number(created)).toBeGreaterThan(0);
  });

  it('changes nothing the second time, packed and from standard input', async () => {
    const packed = join(files, 'rows.ndjson.gz');
    const bytes = gzipSync(lines.join('\n'));
    await writeFile(packed, bytes);
    for (const [name, options] of [
      [packed, { environment }],
      ['-', { environment, input: bytes }],
    ] as const) {
      const { code, stdout, stderr } = await runProgram(['import', name], options);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^ {2}task +0 created, 0 updated, 400 unchanged, 0 rejected$/m);
    }
  });

  it('tells a bad line with its file and number, takes the rest, and exits with 1', async () => {
    const mixed = join(files, 'mixed.ndjson');
    const campaign = (id: number, more = {}) =>
      JSON.stringify({
        type: 'campaign',
        id: `c-${id}`,
        projectId: id,
        name: `Campaign ${id}`,
        campaignType: 'POC',
        ...more,
      });
    await writeFile(mixed, [campaign(1), '', BAD_LINE, campaign(2, { colour: 'red' })].join('\n'));
    const first = await runProgram(['import', mixed, file], { environment });
    expect(first.code).toBe(1);
    const told = first.stderr.trim().split('\n');
    expect(told).toEqual([
      expect.stringMatching(`^${mixed}:3: .*name`),
      expect.stringMatching(`^${mixed}:4: .*colour`),
    ]);
    expect(first.stdout).toMatch(/mixed\.ndjson: 3 lines in .*, 2 rejected$/m);
    expect(first.stdout).toMatch(/^ {2}campaign +1 created, 0 updated, 0 unchanged, 1 rejected$/m);
    // The second file is imported all the same.
    expect(first.stdout).toMatch(/rows\.ndjson: .*, 0 rejected$/m);
    const lenient = await runProgram(['import', '--ignore-unknown', mixed], { environment });
    expect(lenient.code).toBe(1);
    expect(lenient.stdout).toMatch(
      /^ {2}campaign +1 created, 0 updated, 1 unchanged, 0 rejected$/m,
    );
  });

  it('ends with 2 where there is no file', async () => {
    const nowhere = join(files, 'nowhere.ndjson');
    const { code, stderr } = await runProgram(['import', nowhere], { environment });
    expect(code).toBe(2);
    expect(stderr).toBe(`rosetta-gateway: ${nowhere} cannot be read: there is no such file.\n`);
  });
});

describe('delete', () => {
  const CAMPAIGN = 'b59a8f0a-eca5-4d6d-9e75-573640c1588a';
  let own: Record<string, string>;

  beforeAll(async () => {
    own = { ...environment, GATEWAY_DATA_DIR: await temporaryDirectory() };
    const { stdout } = await runProgram(['demo-data', '--tasks', '120']);
    const other = '{"type":"campaign","id":"c-9","projectId":9,"name":"Nine","campaignType":"POC"}';
    const input = `${stdout}${other}`;
    const imported = await runProgram(['import', '-'], { environment: own, input });
    expect(imported.code).toBe(0);
  });

  it('wants a terminal or --yes, and opens nothing without', async () => {
    const unopened = join(await temporaryDirectory(), 'none');
    const { code, stdout, stderr } = await runProgram(['delete', '--campaign', CAMPAIGN], {
      environment: { ...environment, GATEWAY_DATA_DIR: unopened },
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      'rosetta-gateway: Nothing was deleted: there is no terminal to ask on. Say --yes to delete.\n',
    );
    await expect(readdir(unopened)).rejects.toThrow('ENOENT');
  });

  it('ends with 2 where there is no such campaign', async () => {
    const { code, stderr } = await runProgram(['delete', '--campaign', 'c-0', '--yes'], {
      environment: own,
    });
    expect(code).toBe(2);
    expect(stderr).toBe('rosetta-gateway: There is no campaign "c-0".\n');
  });

  /** The command on a terminal of its own, where something is typed. */
  const typing = async (typed: string) => {
    await ensureBuilt();
    const command = `"${process.execPath}" dist/main.js delete --campaign ${CAMPAIGN}`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: PROJECT_DIRECTORY,
      env: { PATH: process.env.PATH, ...own },
    });
    let output = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!output.includes('to delete') && `${output}${text}`.includes('to delete')) {
        terminal.stdin.write(typed);
      }
      output += text;
    });
    const [code] = (await once(terminal, 'close')) as [number];
    return { code, output };
  };

  it('shows what would go, and deletes nothing unless the id is typed', async () => {
    const wrong = await typing('yes\n');
    expect(wrong.code, wrong.output).toBe(2);
    expect(wrong.output).toMatch(/ {2}campaign +1\r\n {2}annotationRequest +\d+\r\n {2}pool +\d+/);
    expect(wrong.output).toContain('Nothing was deleted: what was typed is not the id');
    const interrupted = await typing('\u0003');
    expect(interrupted.code, interrupted.output).toBe(130);
    expect(interrupted.output).toContain('Interrupted: nothing was deleted.');
    const right = await typing(`${CAMPAIGN}\n`);
    expect(right.code, right.output).toBe(0);
    expect(right.output).toMatch(/Deleted in \d+\.\d s:\r\n {2}campaign +1\r\n/);
  });

  it('deletes the campaign and nothing else, without asking where it is told so', async () => {
    const gone = await runProgram(['delete', '--campaign', CAMPAIGN, '--yes'], {
      environment: own,
    });
    expect(gone.code).toBe(2);
    const { code, stdout, stderr } = await runProgram(['delete', '--campaign', 'c-9', '--yes'], {
      environment: own,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [found, deleted] = stdout.split(/^Deleted in .*$/m);
    expect(found).toMatch(/^The campaign "c-9" has\n {2}campaign +1\n {2}annotationRequest 0\n/);
    expect(deleted!.trim()).toBe(found!.split(' has')[1]!.trim());
  });
});

describe('demo-data', () => {
  it('ends in silence when its reader has seen enough', async () => {
    await ensureBuilt();
    const { stdout, stderr } = await promisify(execFile)(
      'bash',
      ['-o', 'pipefail', '-c', `"$NODE" dist/main.js demo-data --tasks 3000 | head -n 1`],
      { cwd: PROJECT_DIRECTORY, env: { ...process.env, NODE: process.execPath } },
    );
    expect(JSON.parse(stdout)).toMatchObject({ type: 'campaign' });
    expect(stderr).toBe('');
  });
});

describe('serve', () => {
  it('adds no demo data where it is off, and logs lines to read where they are asked for', async () => {
    const fresh = await temporaryDirectory();
    const server = await startProgram(['serve'], {
      environment: { ...environment, GATEWAY_DATA_DIR: fresh, GATEWAY_LOG_FORMAT: 'pretty' },
    });
    await eventually(() => {
      expect(server.stdout).toMatch(/\d\d:\d\d:\d\d\.\d+\S* .*INFO.*ready: GraphiQL at/);
    });
    expect(server.stdout).not.toContain('demo data loaded');
    expect(server.stdout).not.toContain('"level":');
    const [, url] = /ready: GraphiQL at (http:\S+)\/graphql/.exec(server.stdout)!;
    const response = await fetch(`${url}/graphql?query=%7Bcampaigns%7BtotalCount%7D%7D`);
    expect(await response.json()).toMatchObject({ data: { campaigns: { totalCount: 0 } } });
    expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('leaves imported rows as they are, with demo data on', async () => {
    const server = await startServer({ ...environment, GATEWAY_DEMO: 'on' });
    await server.waitForLog('ready');
    const query = '%7Btasks%7BtotalCount%7D%7D';
    const response = await fetch(`${server.url}/graphql?query=${query}`);
    expect(await response.json()).toMatchObject({ data: { tasks: { totalCount: 400 } } });
    await server.kill('SIGTERM');
  });
});
