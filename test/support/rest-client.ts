import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

/** Where a server listens on this machine. */
export interface Origin {
  port: number;
}

export interface RestRequest {
  method?: string;
  /** Path and query string as they stand on the request line. */
  path: string;
  headers?: OutgoingHttpHeaders;
  /** A value is sent as JSON; text and bytes as they are. */
  body?: unknown;
  /** Sent in chunks, its length unannounced. */
  chunked?: boolean;
}

export interface RestAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The envelope, rounded ids and all. */
  envelope: Envelope;
}

export interface Envelope {
  code: number;
  message: string;
  data: unknown;
  date: string;
  requestId: string;
  success: boolean;
}

/** Sends one request as any HTTP client may, GET with a body included, which `fetch` refuses to send. */
export function send(origin: Origin, options: RestRequest): Promise<RestAnswer> {
  const { method = 'GET', path, body, chunked = false } = options;
  const bytes =
    body === undefined
      ? undefined
      : typeof body === 'string' || body instanceof Uint8Array
        ? Buffer.from(body as string)
        : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const req = request({
      port: origin.port,
      method,
      path,
      agent: false,
      headers: {
        ...(bytes && !chunked && { 'Content-Length': bytes.length }),
        ...(bytes && chunked && { 'Transfer-Encoding': 'chunked' }),
        ...options.headers,
      },
    });
    req.on('error', reject);
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          text,
          envelope: (text === '' ? undefined : JSON.parse(text)) as Envelope,
        });
      });
    });
    req.end(bytes);
  });
}

/** Sends bytes as they are, and gives everything that came back until the connection closed. */
export function sendBytes(origin: Origin, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(origin.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.write(bytes);
  });
}

/** The envelope in an answer that {@link sendBytes} received. */
export function envelopeIn(answer: string): Envelope {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Envelope;
}
