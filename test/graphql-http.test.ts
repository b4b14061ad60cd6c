import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestGateway, type TestGateway } from './support/gateway.ts';

let gateway: TestGateway;
let url = '';
beforeAll(async () => {
  gateway = await createTestGateway();
  ({ url } = await gateway.listen());
});
afterAll(() => gateway.close());

describe('GraphQL over HTTP', () => {
  const audits = serverAudits({ url: () => `${url}/graphql`, fetchFn: fetch });

  it('has all the audits', () => {
    expect(audits).toHaveLength(61);
  });

  it.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
    'passes %s',
    async (_name, audit) => {
      const result = await audit.fn();
      expect(result.status, 'reason' in result ? result.reason : '').toBe('ok');
    },
  );
});

describe('GraphiQL', () => {
  it('is served without anything to fetch from elsewhere', async () => {
    const response = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain('Rosetta Gateway');
    // Scripts, styles, frames and icons are all inside the page.
    expect(page.match(/<(script|link|iframe)\b[^>]*\b(src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(page).not.toMatch(/@import|unpkg|jsdelivr|cdn\./);
  });
});
