import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeDirectories, temporaryDirectory } from '../support/directory.ts';
import { endPrograms, runProgram } from '../support/process.ts';

let environment: Record<string, string>;
beforeAll(async () => {
  environment = { GATEWAY_DATA_DIR: await temporaryDirectory() };
});
afterAll(async () => {
  await endPrograms();
  await removeDirectories();
});

const keys = (...args: string[]) => runProgram(['keys', ...args], { environment });

describe('a wish for a key', () => {
  const api = ['create', '--kind', 'api', '--role', 'reader'];

  it.each([
    [['create'], 1, "required option '--kind <kind>' not specified"],
    [['create', '--kind', 'x', '--role', 'reader'], 1, 'Allowed choices are signed, api.'],
    [['create', '--kind', 'api', '--role', 'x'], 1, 'Allowed choices are admin, reader, ingest.'],
    [api, 2, 'Say either --all-campaigns, or which they are'],
    [[...api, '--all-campaigns', '--campaign', 'c'], 2, 'Say either --all-campaigns, or which'],
    [[...api, '--campaign', ''], 2, '"" cannot be the id of a campaign.'],
    [[...api, '--all-campaigns', '--expires', '0d'], 1, 'Days to come, such as 90d'],
    [[...api, '--all-campaigns', '--expires', '2020-01-01T00:00:00Z'], 1, 'Days to come'],
    [[...api, '--all-campaigns', '--expires', 'soon'], 1, 'Days to come'],
    [[...api, '--all-campaigns', '--budget', '-1'], 1, 'A whole number of at most nine digits'],
    [[...api, '--all-campaigns', '--name', 'x'.repeat(256)], 2, 'at most 255 bytes'],
    [
      ['create', '--kind', 'api', '--role', 'admin', '--all-campaigns', '--hide-people'],
      2,
      'Only a reader can be told without people.',
    ],
  ])('that makes no sense is refused: %j', async (args, status, message) => {
    const { code, stdout, stderr } = await keys(...args);
    expect({ code, stdout }).toEqual({ code: status, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('is fulfilled where it makes sense', async () => {
    const { code, stdout } = await keys(...api, '--all-campaigns');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^API key: rosetta_[0-9a-f]{24}_[0-9a-f]{64}\n$/) as string,
    });
  });

  it('for signatures needs what its secret is encrypted with', async () => {
    const { code, stdout, stderr } = await keys(
      ...['create', '--kind', 'signed', '--role', 'reader', '--all-campaigns'],
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('A signed key needs GATEWAY_SECRET_KEY');
  });
});
