import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES, readLines } from '../src/import/lines.ts';
import { openSource, SourceError } from '../src/import/source.ts';
import { chunked } from './support/import.ts';

/** The lines as `number:text`, or `number!message` for a bad one. */
async function linesOf(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const group of readLines(source)) {
    for (const { number, text } of group) {
      lines.push(typeof text === 'string' ? `${number}:${text}` : `${number}!${text.message}`);
    }
  }
  return lines;
}

describe('lines', () => {
  it('are numbered with the blank ones, whatever ends them and wherever chunks do', async () => {
    const text = Buffer.from('\ufeffa\r\n\n \t\r\nbé😀\n\ufeff{}\n\r\nlast');
    for (const size of [1, 2, 3, 5, 7, 1000]) {
      const lines = await linesOf(chunked(text, size));
      expect(lines).toEqual(['1:a\r', '4:bé😀', '5:\ufeff{}', '7:last']);
    }
  });

  it('that are not UTF-8 are rejected alone', async () => {
    const bad = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]];
    for (const bytes of bad) {
      const text = Buffer.concat([Buffer.from('é\n'), Buffer.from(bytes), Buffer.from('\né')]);
      for (const size of [1, 100]) {
        const lines = await linesOf(chunked(text, size));
        expect(lines).toEqual(['1:é', '2!The line is not valid UTF-8.', '3:é']);
      }
    }
  });

  it('may have 1 MiB and no more', async () => {
    const most = 'x'.repeat(MAX_LINE_BYTES);
    for (const size of [10_000, Infinity]) {
      const lines = await linesOf(chunked(`${most}\n${most}x\n${most}xx\ny`, size));
      expect(lines[0]).toBe(`1:${most}`);
      expect(lines.slice(1)).toEqual([
        '2!The line is 1048577 bytes long; at most 1048576 are allowed.',
        '3!The line is 1048578 bytes long; at most 1048576 are allowed.',
        '4:y',
      ]);
    }
  });

  it('that never end are not held', async () => {
    const megabyte = Buffer.alloc(1_048_576, 'x');
    async function* endless() {
      for (let i = 0; i < 300; i++) {
        yield Buffer.from(megabyte);
        await Promise.resolve();
      }
    }
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const [line] = await linesOf(endless());
    expect(line).toContain('314572800 bytes');
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1_048_576);
  });

  it('are the same for any text and any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.constant(''),
            fc.string({ unit: fc.constantFrom('a', ' ', '\r', 'é', '😀') }),
          ),
        ),
        fc.integer({ min: 1, max: 9 }),
        async (lines, size) => {
          const expected = lines.flatMap((text, i) =>
            /^[ \r]*$/.test(text) ? [] : [`${i + 1}:${text}`],
          );
          expect(await linesOf(chunked(lines.join('\n'), size))).toEqual(expected);
        },
      ),
    );
  });
});

describe('a source', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gateway-source-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const text = Array.from({ length: 50_000 }, (_, i) => `line ${i * 7919}\n`).join('');
  const packed = gzipSync(text);

  async function read(path: string, stdin?: Readable) {
    const source = await openSource(path, stdin);
    let content = '';
    let error: unknown;
    try {
      for await (const chunk of source.stream) content += Buffer.from(chunk).toString();
    } catch (reason) {
      error = reason;
    }
    return { content, error, size: source.size, bytesRead: source.bytesRead() };
  }

  async function readFileOf(bytes: Buffer | string, name = 'file.ndjson') {
    const path = join(directory, name);
    await writeFile(path, bytes);
    return read(path);
  }

  it('is a file', async () => {
    const size = Buffer.byteLength(text);
    const expected = { content: text, error: undefined, size, bytesRead: size };
    expect(await readFileOf(text, 'plain.gz')).toEqual(expected);
    expect((await readFileOf('')).content).toBe('');
    expect((await readFileOf('x')).content).toBe('x');
  });

  it('is gzip by its first bytes, of any number of members', async () => {
    const two = Buffer.concat([packed, gzipSync('more\n'), Buffer.alloc(512)]);
    expect(await readFileOf(two)).toEqual({
      content: `${text}more\n`,
      error: undefined,
      size: two.length,
      bytesRead: two.length,
    });
  });

  it('that is gzip may be filled up with zeros, after which nothing is lost', async () => {
    const member = fc.string({ minLength: 1, maxLength: 20 }).map((content) => ({
      content,
      bytes: gzipSync(content),
    }));
    const zeros = fc
      .oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.constant(70_000))
      .map((length) => ({ content: '', bytes: Buffer.alloc(length) }));
    const more = fc.constantFrom('', 'more').map((text) => ({ content: text, bytes: text }));
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(member, zeros, fc.oneof(member, more), zeros),
        fc.constantFrom(1, 7, 100, 65_536, Infinity),
        async ([first, filling, second, rest], size) => {
          const parts = [first, filling, second, rest];
          const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.bytes)));
          const stdin = Readable.from(chunked(bytes, bytes.length > 1000 ? size * 1000 : size));
          const { content, error } = await read('-', stdin);
          const isEnd = second.bytes.length === 0;
          const isMember = typeof second.bytes !== 'string' && filling.bytes.length === 0;
          if (isEnd || isMember) {
            expect(error).toBeUndefined();
            expect(content).toBe(first.content + second.content);
          } else {
            expect(error).toBeInstanceOf(SourceError);
            expect((error as SourceError).message).toMatch(/(header check|follows its end)\.$/);
          }
        },
      ),
    );
  });

  it('is unpacked while it is read', async () => {
    const path = join(directory, 'large.gz');
    await writeFile(path, gzipSync(randomBytes(1_000_000)));
    const source = await openSource(path);
    for await (const chunk of source.stream) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(source.bytesRead()).toBeLessThan(200_000);
  });

  it('is standard input, packed or not, in any chunks', async () => {
    for (const bytes of [packed, Buffer.from(text)]) {
      for (const size of [1000, Infinity]) {
        const stdin = Readable.from(chunked(bytes, size));
        expect(await read('-', stdin)).toMatchObject({ content: text, size: null });
      }
    }
    const stdin = Readable.from(chunked(gzipSync('short'), 1));
    expect((await read('-', stdin)).content).toBe('short');
  });

  it.each([
    ['ends early', packed.subarray(0, packed.length / 2), 'unexpected end of file'],
    ['lacks its last byte', packed.subarray(0, -1), 'unexpected end of file'],
    ['has only its magic', packed.subarray(0, 2), 'unexpected end of file'],
    ['goes on with something else', Buffer.concat([packed, Buffer.from('more')]), 'header'],
    ['has a bad checksum', Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]), 'data check'],
  ])('that is gzip and %s is an error after all that could be read', async (_, bytes, reason) => {
    const { content, error } = await readFileOf(bytes, 'broken.gz');
    expect(error).toBeInstanceOf(SourceError);
    const { message } = error as SourceError;
    expect(message).toContain(`${directory}/broken.gz is a truncated or corrupt gzip file: `);
    expect(message).toContain(reason);
    expect(text.startsWith(content)).toBe(true);
    // Deflate gives a block only when it has all of it.
    const [intact, shown] = [bytes.length >= packed.length - 1, text.length - content.length];
    if (intact) expect(shown).toBeLessThan(65_536);
  });

  it('gives what a truncated file holds', async () => {
    const { content, error } = await readFileOf(packed.subarray(0, -8));
    expect(content).toBe(text);
    expect(error).toBeInstanceOf(SourceError);
  });

  it('that does not exist or is a directory is an error that names it', async () => {
    const missing = join(directory, 'missing.ndjson');
    await expect(openSource(missing)).rejects.toThrow(
      `${missing} cannot be read: there is no such file.`,
    );
    await expect(openSource(directory)).rejects.toThrow(
      `${directory} cannot be read: it is a directory.`,
    );
  });

  it('that is a named pipe has no size', async () => {
    const path = join(directory, 'pipe');
    await once(execFile('mkfifo', [path]), 'exit');
    const [result] = await Promise.all([read(path), writeFile(path, packed)]);
    expect(result).toMatchObject({ content: text, size: null });
  });

  it('can be closed while it says nothing', async () => {
    const stdin = new PassThrough();
    const source = await openSource('-', stdin);
    const reading = source.stream[Symbol.asyncIterator]().next();
    source.close();
    await Promise.allSettled([reading]);
    expect(stdin.destroyed).toBe(true);
  });
});
