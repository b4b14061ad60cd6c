import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

const DEFAULT_QUERY = `# Rosetta Gateway: campaigns, their annotation requests, pools, tasks and history.
# Every type and field is described in the documentation on the left.
query Campaigns {
  campaigns(first: 5) {
    totalCount
    nodes {
      campaignId
      name
      annotationRequests(first: 3) {
        totalCount
        nodes {
          annotationRequestId
          name
          tasks(first: 3) {
            totalCount
            nodes {
              taskId
              status
              pool {
                name
              }
            }
          }
        }
      }
    }
  }
}
`;

interface Page {
  readonly html: Buffer;
  readonly etag: string;
  readonly policy: string;
}

const hashOf = (text: string | Buffer) => createHash('sha256').update(text).digest('base64');

/** Only the script that is in the page runs, and it may ask nobody but the gateway. Its editor makes styles as it goes. */
function policyOf(html: string): string {
  const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)];
  return [
    "default-src 'none'",
    `script-src ${scripts.map(([, script]) => `'sha256-${hashOf(script!)}'`).join(' ')}`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

let page: Page | undefined;

/** The page is megabytes and never differs: it is made when it is first asked for. */
function getPage(): Page {
  if (!page) {
    const text = renderGraphiQL({ title: 'Rosetta Gateway', defaultQuery: DEFAULT_QUERY });
    const html = Buffer.from(text);
    page = { html, etag: `"${hashOf(html)}"`, policy: policyOf(text) };
  }
  return page;
}

/** Whether GraphiQL is asked for, as by a browser's address bar: a query that comes with it is shown, not executed. */
export function isPageRequest({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && !!headers.accept?.includes('text/html');
}

/** Answers with GraphiQL, or with a word that the browser has it. */
export function writePage({ headers }: IncomingMessage, res: ServerResponse): void {
  const { html, etag, policy } = getPage();
  res.setHeader('ETag', etag);
  res.setHeader('Cache-Control', 'no-cache');
  res.setHeader('Content-Security-Policy', policy);
  res.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  if (headers['if-none-match'] === etag) {
    res.statusCode = 304;
    res.end();
    return;
  }
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.setHeader('Content-Length', html.length);
  res.end(html);
}
