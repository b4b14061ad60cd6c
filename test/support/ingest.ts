import { request, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Response } from 'light-my-request';
import type { Envelope, GraphQLAnswer, TestGateway } from './gateway.ts';

/** A line of the import format as a variable of the mutation. */
export function toEntity(line: string): Record<string, object> {
  // Ids above 2^53 are strings there.
  const exact = line.replace(/:(\d{16,})/g, ':"$1"');
  const { type, ...fields } = JSON.parse(exact) as { type: string };
  return { [type]: fields };
}

export interface IngestResult {
  index: number;
  type: string;
  id: string;
  outcome: string;
  warning: string | null;
  error: { code: string; path: string[]; message: string } | null;
}

export interface IngestReport {
  results: IngestResult[];
  created: number;
  updated: number;
  unchanged: number;
  stale: number;
  rejected: number;
  notWritten: number;
  warnings: number;
}

export const INGEST = `mutation Ingest($entities: [EntityInput!]!, $atomic: Boolean! = false) {
  ingest(entities: $entities, atomic: $atomic) {
    results { index type id outcome warning error { code path message } }
    created updated unchanged stale rejected notWritten warnings
  }
}`;

/** Sends lines of the import format through the mutation. */
export async function ingestLines(
  gateway: TestGateway,
  lines: readonly string[],
  atomic = false,
): Promise<IngestReport> {
  const { ingest } = await gateway.gql<{ ingest: IngestReport }>(INGEST, {
    entities: lines.map(toEntity),
    atomic,
  });
  return ingest;
}

/** Sends the mutation with a key. */
export async function ingestOnce(
  gateway: TestGateway,
  key: string,
  lines: readonly string[],
  query = INGEST,
): Promise<{ response: Response; answer: GraphQLAnswer<{ ingest: IngestReport }> }> {
  const response = await gateway.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    payload: JSON.stringify({ query, variables: { entities: lines.map(toEntity) } }),
  });
  return {
    response,
    answer: JSON.parse(response.payload) as GraphQLAnswer<{ ingest: IngestReport }>,
  };
}

export interface ImportReport {
  lines: number;
  rejected: number;
  notWritten: number;
  types: Record<string, Record<string, number>>;
  problemCount: number;
  problems: {
    line: number;
    type: string | null;
    code: string;
    path: string | null;
    message: string;
  }[];
}

export interface PostedImport {
  status: number;
  headers: Response['headers'];
  envelope: Envelope;
  report: ImportReport;
}

/** Posts a body to `/import`, without a socket. */
export async function postImport(
  gateway: TestGateway,
  body: string | Buffer,
  { path = '/import', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<PostedImport> {
  const answer = await gateway.rest({ method: 'POST', url: path, headers, payload: body });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    envelope: answer.envelope,
    report: answer.envelope.data as ImportReport,
  };
}

/** A few bytes of Brotli that stand for many. */
export function bombOf(bytes: number, character: string): Buffer {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 2 };
  return brotliCompressSync(Buffer.alloc(bytes, character), { params });
}

export interface SlowAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  envelope: Envelope;
}

/** A body that is sent bit by bit; the answer comes at its end, or earlier. */
export function slowPost(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): { post: ClientRequest; answer: Promise<SlowAnswer> } {
  const post = request({ port, method: 'POST', path, agent: false, headers });
  const answer = new Promise<SlowAnswer>((resolve, reject) => {
    post.on('error', reject).on('response', (res) => {
      let text = '';
      res
        .on('data', (data) => (text += String(data)))
        .on('end', () =>
          resolve({
            status: res.statusCode!,
            headers: res.headers,
            envelope: JSON.parse(text) as Envelope,
          }),
        );
    });
  });
  return { post, answer };
}
