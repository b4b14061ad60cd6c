import { EXPORT_VERSION, type FrameType } from '../domain/exports.ts';
import { NumberText, type ExactJson } from './json.ts';
import { Rejection, show, type LineProblem } from './problem.ts';
import type { Line } from './tables.ts';

/** A line that says something about the rows around it: that an export starts, ends or broke off there. */
export interface Frame {
  /** The number of the line. */
  readonly number: number;
  readonly frame: FrameType;
  readonly content: Readonly<Record<string, ExactJson>>;
}

/** An export whose end has not come yet. */
interface OpenExport {
  readonly line: number;
  readonly watermark: unknown;
  /** Lines of rows so far, those of each type, and all. */
  readonly counts: Map<string | null, number>;
  rows: number;
  /** Why it broke off, if it says so. */
  broken?: string;
}

const incomplete = (message: string) => new Rejection('INCOMPLETE', null, message);

/**
 * Holds the rows of exports against what the exports say of them. What stands in no export is left alone, so that files can
 * be joined; a part that was resumed is to follow the part that broke off.
 */
export class Frames {
  #open: OpenExport | undefined;
  /** The row of the last line, as `type:id`, where it is known. */
  #last: string | undefined;

  /** Notes a line that is a row, or should be one. */
  note(row: Line | LineProblem): void {
    this.#last = 'fields' in row ? `${row.type}:${row.fields.id}` : undefined;
    if (!this.#open) return;
    const { counts } = this.#open;
    counts.set(row.type, (counts.get(row.type) ?? 0) + 1);
    this.#open.rows++;
  }

  /** @returns what is wrong with a frame at its place. */
  check({ number, frame, content }: Frame): Rejection | undefined {
    switch (frame) {
      case 'exportStart':
        return this.#start(number, content);
      case 'exportEnd':
        return this.#end(content);
      case 'exportBroken':
        return this.#break(content);
    }
  }

  /** @returns what is wrong where nothing follows. */
  finish(): Rejection | undefined {
    return this.#open && this.#cut(this.#open);
  }

  #cut({ line, rows, broken }: OpenExport): Rejection {
    const how = broken === undefined ? 'has no end' : `broke off (${broken})`;
    return incomplete(
      `The export that starts in line ${line} ${how}: only ${rows} of its rows are here. Export the rest with "after".`,
    );
  }

  #start(line: number, { format, watermark, resumedAfter }: Frame['content']) {
    const before = this.#open;
    this.#open = { line, watermark, counts: new Map(), rows: 0 };
    if (format !== EXPORT_VERSION) {
      return new Rejection(
        'INVALID',
        'format',
        `The export has a format that is not known here; known is ${EXPORT_VERSION}.`,
      );
    }
    if (!before) return undefined;
    if (typeof resumedAfter !== 'string') return this.#cut(before);
    if (this.#last === undefined || resumedAfter === this.#last) return undefined;
    return incomplete(
      `This part of an export goes on after ${show(resumedAfter)}, and the row before it is ${show(this.#last)}.`,
    );
  }

  #end({ rows, types, watermark }: Frame['content']) {
    const export_ = this.#open;
    this.#open = undefined;
    if (!export_) return incomplete('An export ends here that does not start in these lines.');
    if (watermark !== export_.watermark) {
      return incomplete(
        `Another export ends here than the one that starts in line ${export_.line}.`,
      );
    }
    return this.#compare(export_, rows, types);
  }

  #break({ rows, reason }: Frame['content']) {
    if (!this.#open) {
      return incomplete('An export breaks off here that does not start in these lines.');
    }
    this.#open.broken = typeof reason === 'string' ? reason : 'without a reason';
    return this.#compare(this.#open, rows, undefined);
  }

  /** Compares how many rows there are with how many there should be. */
  #compare({ line, rows, counts }: OpenExport, told: ExactJson | undefined, types: unknown) {
    const whose = `The export that starts in line ${line}`;
    if (told !== rows) {
      const count = told instanceof NumberText ? told.source : JSON.stringify(told);
      return incomplete(`${whose} says that it has ${count} rows, and ${rows} are here.`);
    }
    const wrong = Object.entries(types ?? {}).find(([type, n]) => n !== (counts.get(type) ?? 0));
    return (
      wrong &&
      incomplete(
        `${whose} says that it has ${String(wrong[1])} rows of the type ${show(wrong[0])}, and ${counts.get(wrong[0]) ?? 0} are here.`,
      )
    );
  }
}
