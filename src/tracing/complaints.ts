import { diag, DiagLogLevel } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import type { Logger } from 'pino';
import { onNobodysBehalf } from '../database/request.ts';

/** Milliseconds between two lines of the log. */
const REPORT_MS = 60_000;

/** How much is logged of what a collector says. */
const MAX_CHARACTERS = 500;

function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string | number };
  const isSaid = message && code !== undefined && message.includes(String(code));
  return [message, isSaid ? undefined : code].filter(Boolean).join(' ');
}

/**
 * Logs what goes wrong with traces, which OpenTelemetry keeps to itself: at once, then once a minute for as long as it does,
 * since a collector that cannot be reached fails every few seconds.
 */
export function complainTo(log: Logger) {
  let pause: NodeJS.Timeout | undefined;
  let waiting: { reason: string; times: number } | undefined;

  const report = (reason: string, times: number) => {
    const line = { reason: reason.slice(0, MAX_CHARACTERS), times };
    // It is in the course of some request that spans are sent, by chance.
    onNobodysBehalf(() => log.warn(line, 'traces are lost'));
    pause = setTimeout(() => {
      pause = undefined;
      reportWaiting();
    }, REPORT_MS).unref();
  };
  const reportWaiting = () => {
    if (waiting) report(waiting.reason, waiting.times);
    waiting = undefined;
  };
  const complain = (reason: string) => {
    if (pause) waiting = { reason, times: (waiting?.times ?? 0) + 1 };
    else report(reason, 1);
  };
  const complainOf = (error: unknown) => complain(reasonOf(error));

  const nothing = () => {};
  const level = DiagLogLevel.WARN;
  diag.setLogger(
    { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: level, suppressOverrideMessage: true },
  );
  setGlobalErrorHandler(complainOf);

  return {
    complainOf,
    /** Says what is left to say. */
    stop() {
      clearTimeout(pause);
      reportWaiting();
      clearTimeout(pause);
      diag.disable();
      setGlobalErrorHandler(nothing);
    },
  };
}
