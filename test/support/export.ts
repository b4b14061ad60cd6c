import { request, type IncomingMessage } from 'node:http';
import { parse } from 'csv-parse/sync';
import type { Response } from 'light-my-request';
import { expect } from 'vitest';
import type { TestGateway } from './gateway.ts';

/** What an export has: the lines around the rows, parsed, and the rows as they stand there. */
export interface ReadExport {
  start: { type: string; format: number; of: string; watermark: string } & Record<string, unknown>;
  rows: string[];
  end: { type: string; watermark: string; rows: number } & Record<string, unknown>;
}

/** Reads NDJSON whose last line has its line break. */
export function readLines(text: string): ReadExport {
  expect(text.endsWith('\n')).toBe(true);
  const lines = text.slice(0, -1).split('\n');
  return {
    start: JSON.parse(lines[0]!) as ReadExport['start'],
    rows: lines.slice(1, -1),
    end: JSON.parse(lines.at(-1)!) as ReadExport['end'],
  };
}

/** What an export answers that must succeed. */
export async function getExport(
  gateway: TestGateway,
  path: string,
  parameters: Record<string, string> = {},
): Promise<Response> {
  const query = new URLSearchParams(parameters).toString();
  const response = await gateway.inject({ url: `/export/${path}?${query}` });
  expect(response.headers['x-export-error']).toBeUndefined();
  expect(response.statusCode, response.payload.slice(0, 300)).toBe(200);
  return response;
}

/** An export as NDJSON, which must be whole. */
export async function getLines(
  gateway: TestGateway,
  path: string,
  parameters: Record<string, string> = {},
): Promise<ReadExport> {
  const { payload, headers } = await getExport(gateway, path, parameters);
  const read = readLines(payload);
  expect(read.start).toMatchObject({ type: 'exportStart', format: 1, of: path });
  const { watermark } = read.start;
  expect(read.end).toMatchObject({ type: 'exportEnd', rows: read.rows.length, watermark });
  expect(headers['x-export-watermark']).toBe(watermark);
  return read;
}

/** An export as CSV, by column, without what stands around the rows; empty cells are left out. */
export async function getRecords(
  gateway: TestGateway,
  path: string,
  parameters: Record<string, string> = {},
): Promise<Record<string, string>[]> {
  const { payload } = await getExport(gateway, path, { ...parameters, format: 'csv' });
  const records = parse(payload, { columns: true, relax_column_count: false });
  const named = records as Record<string, string>[];
  const [start, ...rest] = named.map((record) =>
    Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== '')),
  );
  const end = rest.pop();
  expect(start).toEqual({ type: 'exportStart', watermark: end!.watermark });
  expect(end).toEqual({
    type: 'exportEnd',
    watermark: start!.watermark,
    rows: String(rest.length),
  });
  return rest;
}

/** JSON of one line, numbers that JavaScript would round as their digits. */
export function parseExact(line: string): Record<string, unknown> {
  return JSON.parse(line.replace(/:(\d{16,})(?=[,}])/g, ':"$1"')) as Record<string, unknown>;
}

/** Opens an export over a socket, of which nothing is read until somebody does. */
export function openExport(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ port, path, headers, agent: false })
      .on('response', (response) => resolve(response.pause()))
      .on('error', reject)
      .end();
  });
}

/** What comes until the connection closes, and whether that was the answer's end. */
export async function readToClose(
  response: IncomingMessage,
): Promise<{ text: string; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // That it was cut, `complete` says.
  }
  return { text: Buffer.concat(chunks).toString(), isWhole: response.complete };
}
