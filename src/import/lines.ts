import { isUtf8 } from 'node:buffer';
import { Rejection } from './problem.ts';

/** A longer line is rejected, and no more of it than this is ever held. */
export const MAX_LINE_BYTES = 1_048_576;

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** What JSON calls white space; the carriage return of a CRLF is part of it. */
const BLANK = /^[ \t\r]*$/;

/** A line that is not blank: its text, or why there is none. */
export interface TextLine {
  /** Counted from 1, blank lines included. */
  number: number;
  text: string | Rejection;
  bytes: number;
}

function decode(bytes: Buffer): string | Rejection {
  return isUtf8(bytes)
    ? bytes.toString()
    : new Rejection('SYNTAX', null, 'The line is not valid UTF-8.');
}

/** Puts the pieces of one line together, as far as the line may go. */
class LineBuffer {
  #pieces: Uint8Array[] = [];
  #number = 0;
  /** Bytes of the line so far, those that were dropped included. */
  bytes = 0;

  add(piece: Uint8Array): void {
    this.bytes += piece.length;
    if (this.bytes <= MAX_LINE_BYTES) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  /** Counts empty lines. */
  skip(lines: number): void {
    this.#number += lines;
  }

  /** Ends the line; the next one starts empty. */
  take(): TextLine | undefined {
    const [pieces, bytes, number] = [this.#pieces, this.bytes, ++this.#number];
    this.#pieces = [];
    this.bytes = 0;
    if (bytes > MAX_LINE_BYTES) {
      const message = `The line is ${bytes} bytes long; at most ${MAX_LINE_BYTES} are allowed.`;
      return { number, text: new Rejection('SYNTAX', null, message), bytes };
    }
    let line = pieces.length === 1 ? asBuffer(pieces[0]!) : Buffer.concat(pieces);
    if (number === 1 && line.subarray(0, 3).equals(BYTE_ORDER_MARK)) line = line.subarray(3);
    const text = decode(line);
    return typeof text === 'string' && BLANK.test(text) ? undefined : { number, text, bytes };
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Splits bytes into lines, leaving out blank ones. Lines come in groups, one a chunk, because an asynchronous step for
 * each would cost more than the line.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<TextLine[]> {
  const buffer = new LineBuffer();
  for await (const chunk of source) {
    const lines: TextLine[] = [];
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      buffer.add(chunk.subarray(start, end));
      const line = buffer.take();
      if (line) lines.push(line);
      // There can be millions of them.
      const before = end + 1;
      while (chunk[end + 1] === NEWLINE) end++;
      buffer.skip(end + 1 - before);
    }
    if (start < chunk.length) buffer.add(chunk.subarray(start));
    yield lines;
  }
  // The last line may lack its newline.
  const last = buffer.bytes > 0 ? buffer.take() : undefined;
  if (last) yield [last];
}
