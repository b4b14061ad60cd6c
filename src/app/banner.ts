import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';

/** Where the gateway can be asked, and what to paste into a shell. */
export interface Banner {
  /** Absent where it is off. */
  graphiql?: string;
  requests: string[];
}

/** The contract's own example, where there is no row to point at. */
const EXAMPLE = {
  sceneId: '550e8400-e29b-41d4-a716-446655440000',
  annotationRequestId: 'ar-1',
  campaignId: 'c-1',
};

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A request for each REST route, about a task that is there. Where callers are asked who they are, the requests take an API
 * key from the shell's environment.
 */
export async function createBanner(
  { prisma }: Database,
  { host, auth, surface }: Pick<Config, 'host' | 'auth' | 'surface'>,
  port: number,
): Promise<Banner> {
  const wildcard = host === '0.0.0.0' || host === '::';
  const name = wildcard ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const url = `http://${name}:${port}`;
  const { sceneId, annotationRequestId, campaignId } =
    (await prisma.task
      .findFirst({
        orderBy: { id: 'asc' },
        select: { sceneId: true, annotationRequestId: true, campaignId: true },
      })
      // A database that goes away at this moment is a matter for the requests, not for the start.
      .catch(() => null)) ?? EXAMPLE;
  const task = JSON.stringify({ campaignId, annotationRequestId, sceneId });
  const id = encodeURIComponent(annotationRequestId);
  return {
    ...(surface.graphiql && { graphiql: `${url}/graphql` }),
    requests: [
      `curl ${url}/task/get -d ${shellQuote(task)}`,
      `curl ${shellQuote(`${url}/statistics?annotationRequestId=${id}&limit=2`)}`,
      `curl ${shellQuote(`${url}/statistics/record?annotationRequestId=${id}&pageSize=2`)}`,
    ].map((request) => (auth ? `${request} -H "X-API-Key: $API_KEY"` : request)),
  };
}
