import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt, PROJECT_DIRECTORY } from '../support/build.ts';
import { removeDirectories, temporaryDirectory } from '../support/directory.ts';
import { readLines } from '../support/export.ts';
import { endPrograms, runProgram, startProgram } from '../support/process.ts';

const run = promisify(execFile);
const { PATH, HOME } = process.env;

let environment: Record<string, string>;
let files: string;
/** Every line that was imported, and how many of each type there are. */
let imported: string[];

beforeAll(async () => {
  environment = { GATEWAY_DATA_DIR: await temporaryDirectory(), GATEWAY_DEMO: 'off' };
  files = await temporaryDirectory();
  const { stdout } = await runProgram(['demo-data', '--tasks', '250']);
  imported = stdout.trimEnd().split('\n');
  const { code } = await runProgram(['import', '-'], { environment, input: stdout });
  expect(code).toBe(0);
});
afterAll(async () => {
  await endPrograms();
  await removeDirectories();
});

describe('export', () => {
  it('writes what an import into another database takes, to be exported the same', async () => {
    const file = join(files, 'all.ndjson');
    const to = await runProgram(['export', 'all', '--output', file], { environment });
    expect(to).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const text = await readFile(file, 'utf8');
    const { rows, end } = readLines(text);
    expect(end.rows).toBe(imported.length);
    const copy = { ...environment, GATEWAY_DATA_DIR: await temporaryDirectory() };
    const taken = await runProgram(['import', file], { environment: copy });
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect(taken.stdout).toContain(`: ${imported.length} lines in `);
    const again = await runProgram(['export', 'all'], { environment: copy });
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(readLines(again.stdout).rows.join('\n') === rows.join('\n')).toBe(true);
  });

  it('takes what the route takes, packed where it is told so', async () => {
    const file = join(files, 'tasks.csv.gz');
    const filter = JSON.stringify({ status: { eq: 'APPROVED' } });
    const args = ['tasks', '--format', 'csv', '--filter', filter, '--gzip', '--output', file];
    expect((await runProgram(['export', ...args], { environment })).code).toBe(0);
    const approved = imported.filter((line) => /"type":"task".*"status":11\b/.test(line));
    const records = gunzipSync(await readFile(file))
      .toString()
      .trimEnd()
      .split('\r\n');
    expect(records.at(-1)).toMatch(new RegExp(`^exportEnd,.*,${approved.length}$`));
    expect(records).toHaveLength(approved.length + 3);
    const workload = await runProgram(
      ['export', 'workload', '--group-by', 'TEAM_ID,MONTH', '--time-zone', 'Asia/Shanghai'].concat(
        ['--measures', 'instances', '--having', '{"instances":{"gt":"0"}}'],
        ['--order-by', '[{"field":"INSTANCES","direction":"DESC"}]'],
      ),
      { environment },
    );
    const rows = readLines(workload.stdout).rows.map(
      (row) => JSON.parse(row) as { instances: number },
    );
    expect(Object.keys(rows[0]!)).toEqual([
      'type',
      'teamId',
      'timeLabel',
      'timeStart',
      'timeEnd',
      'instances',
    ]);
    expect(rows.map(({ instances }) => instances)).toEqual(
      rows.map(({ instances }) => instances).sort((a, b) => b - a),
    );
    const ids = imported
      .filter((line) => line.startsWith('{"type":"task"'))
      .map((line) => BigInt(/"id":(\d+)/.exec(line)![1]!))
      .sort((x, y) => (x < y ? -1 : 1));
    const after = `task:${ids[100]!}`;
    const rest = await runProgram(['export', 'tasks', '--after', after], { environment });
    const { rows: others, start } = readLines(rest.stdout);
    expect(start.resumedAfter).toBe(after);
    expect(others.map((row) => BigInt(/"id":(\d+)/.exec(row)![1]!))).toEqual(ids.slice(101));
  });

  it.each([
    [['all', '--filter', '{'], 2, /^rosetta-gateway: The argument "filter" is not JSON/],
    [['tasks', '--filter', '{"x":1}'], 2, /"filter" is wrong: Field "x" is not defined/],
    [['tasks', '--after', 'pool:1'], 2, /The argument "after" is "pool:1"/],
    [['all', '--format', 'xml'], 2, /The argument "format" is "xml"/],
    [['everything'], 1, /^error: .*all, tasks, annotation-history, workload/],
  ])('%j is refused before anything is opened', async (args, status, problem) => {
    const nowhere = await temporaryDirectory();
    const result = await runProgram(['export', ...args, '--output', join(nowhere, 'x')], {
      environment: { ...environment, GATEWAY_DATA_DIR: join(nowhere, 'data') },
    });
    expect(result).toMatchObject({ code: status, stdout: '' });
    expect(result.stderr).toMatch(problem);
    expect(await readdir(nowhere)).toEqual([]);
  });

  it('ends with 2 where the file cannot be written', async () => {
    const file = join(files, 'none', 'x');
    const { code, stderr } = await runProgram(['export', 'all', '--output', file], { environment });
    expect(code).toBe(2);
    expect(stderr).toContain(`no such file or directory, open '${file}'`);
  });

  it('that is interrupted ends after a whole row, says so, and with 130', async () => {
    const pipe = join(files, 'pipe');
    await run('mkfifo', [pipe]);
    const program = await startProgram(['export', 'all', '--output', pipe], { environment });
    const reader = createReadStream(pipe, { highWaterMark: 1024 });
    reader.pause();
    const [first] = (await once(reader.resume(), 'data')) as [Buffer];
    reader.pause();
    program.child.kill('SIGINT');
    const chunks = [first];
    for await (const chunk of reader) chunks.push(chunk as Buffer);
    expect(await program.exit).toEqual({ code: 130, signal: null });
    expect(program.stderr).toBe('');
    const { rows, end } = readLines(Buffer.concat(chunks).toString());
    expect(end).toEqual({ type: 'exportBroken', reason: 'interrupted', rows: rows.length });
    expect(rows.length).toBeLessThan(imported.length);
  });

  it('ends in silence when its reader has seen enough, and not with 0', async () => {
    await ensureBuilt();
    const shell = `"$NODE" dist/main.js export all | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await run('bash', ['-c', shell], {
      cwd: PROJECT_DIRECTORY,
      env: { PATH, HOME, NODE: process.execPath, ...environment },
    });
    const [line, status] = stdout.trim().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ type: 'exportStart', of: 'all' });
    expect({ status, stderr }).toEqual({ status: '141', stderr: '' });
  });

  it('shows on a terminal how far it is', async () => {
    const file = join(files, 'shown.ndjson');
    const command = `stty cols 80 rows 24; "${process.execPath}" dist/main.js export all --output ${file}`;
    const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: PROJECT_DIRECTORY,
      env: { PATH, HOME, ...environment },
    });
    let output = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(terminal, 'close')) as [number];
    expect(code, output).toBe(0);
    expect(output).toMatch(/all: \d+ %, \d+ rows, \d+ rows\/s/);
    await access(file);
  });
});
