/** The exit status of a command that a signal ended. */
export const INTERRUPTED = 130;

/** A signal that aborts when the process is told to stop. The second time ends the process at once, by its default. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
