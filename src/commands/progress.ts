import { logUpdateStderr } from 'log-update';

/** Milliseconds between two updates of the line. */
const INTERVAL_MS = 100;

/** The progress of long work, on the last line of a terminal. */
export interface Progress {
  /** @param share how much is done, 0 to 1; null where the whole is not known. */
  show(rows: number, share: number | null): void;
  /** Writes a line of text above the progress. */
  write(text: string): void;
  end(): void;
}

/** Shows progress on standard error if that is a terminal; elsewhere only what is written. */
export function createProgress(label: string): Progress {
  const started = performance.now();
  let shown = 0;
  const isTerminal = process.stderr.isTTY;
  return {
    show(rows, share) {
      const now = performance.now();
      if (!isTerminal || now - shown < INTERVAL_MS) return;
      shown = now;
      const rate = Math.round(rows / ((now - started) / 1000));
      const percent = share === null ? '' : `${Math.floor(share * 100)} %, `;
      logUpdateStderr(`${label}: ${percent}${rows} rows, ${rate} rows/s`);
    },
    write(text) {
      if (isTerminal) logUpdateStderr.clear();
      process.stderr.write(`${text}\n`);
    },
    end() {
      if (!isTerminal) return;
      logUpdateStderr.clear();
      // Gives the cursor back.
      logUpdateStderr.done();
    },
  };
}
