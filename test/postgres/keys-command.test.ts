import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase, type EmptyDatabase } from '../support/empty-database.ts';
import { endPrograms, runProgram, startServer } from '../support/process.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

const CAMPAIGN = 'b59a8f0a-eca5-4d6d-9e75-573640c1588a';

let database: EmptyDatabase;
let environment: Record<string, string>;
beforeAll(async () => {
  database = await createEmptyDatabase();
  environment = {
    GATEWAY_SECRET_KEY: randomBytes(32).toString('base64'),
    DATABASE_URL: database.url,
  };
});
afterAll(async () => {
  await endPrograms();
  await database?.close();
});

const keys = (...args: string[]) => runProgram(['keys', ...args], { environment });

/** What a command has told, by its name. */
const told = (stdout: string, name: string) =>
  new RegExp(`^${name}: (\\w+)$`, 'm').exec(stdout)![1]!;

describe('the keys', () => {
  const made = { api: '', access: '', secret: '' };

  it('are made by the commands of README, and told once on standard output', async () => {
    const commands = [...README.matchAll(/^node dist\/main\.js keys (create .*)$/gm)];
    const [api, signed] = commands.map(([, args]) => args!.split(' '));
    const first = await keys(...api!);
    expect([first.code, first.stdout.split('\n').length]).toEqual([0, 2]);
    made.api = told(first.stdout, 'API key');
    expect(made.api).toMatch(/^rosetta_[0-9a-f]{24}_[0-9a-f]{64}$/);
    const second = await keys(...signed!);
    expect(second.code).toBe(0);
    made.access = told(second.stdout, 'access key');
    made.secret = told(second.stdout, 'secret key');
    expect(second.stderr).toBe(
      `There is no campaign "${CAMPAIGN}" yet.\nIt is shown this once; the database cannot tell it.\n`,
    );
  });

  it('let callers in, and nobody else; none of them is written anywhere', async () => {
    const server = await startServer({ ...environment, GATEWAY_AUTH: 'on' });
    const ready = await server.waitForLog('ready');
    // That nobody is asked is warned of, that everybody is is not.
    expect(server.logged.filter(({ level }) => (level as number) >= 40)).toEqual([]);
    for (const request of ready.requests as string[]) {
      expect(request).toMatch(/ -H "X-API-Key: \$API_KEY"$/);
    }
    const statusWith = async (headers: Record<string, string>) =>
      (await fetch(`${server.url}/changes`, { headers })).status;
    expect(await statusWith({ 'x-api-key': made.api })).toBe(200);
    expect(await statusWith({})).toBe(401);
    await server.kill('SIGTERM');
    const written = server.stdout + server.stderr;
    expect(written).not.toContain(made.secret);
    expect(written).not.toContain(made.api.split('_')[2]);
  });

  it('are listed without their secrets, and revoked', async () => {
    const [, id] = made.api.split('_');
    const revoked = await keys('revoke', id!);
    expect(revoked).toMatchObject({
      code: 0,
      stdout: `Revoked ${id}: within five seconds no gateway lets it in.\n`,
    });
    const { code, stdout } = await keys('list');
    expect(code).toBe(0);
    const instant = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^id +kind +role +campaigns +people +budget +state +created +name$/),
      expect.stringMatching(
        `^${id} +api +reader +all +shown +2000000 +revoked ${instant} +${instant} +"dashboards"$`,
      ),
      expect.stringMatching(
        `^${made.access} +signed +reader +\\["${CAMPAIGN}"\\] +hidden +default +valid +${instant}$`,
      ),
      '',
    ]);
    expect(stdout).not.toContain(made.secret);
    const again = await keys('revoke', id!);
    expect(again).toMatchObject({ code: 0, stdout: `${id} was revoked before.\n` });
    const none = await keys('revoke', 'none');
    expect(none).toMatchObject({ code: 2, stderr: 'rosetta-gateway: There is no key "none".\n' });
  });
});
