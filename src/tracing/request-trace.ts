import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { CurrentRequest } from '../database/request.ts';
import type { RequestTrace } from '../domain/trace.ts';
import { outcomeOf, type Ending, type Outcome } from '../metrics/outcome.ts';

/** How many statements of a request are traced: a large export sends one for every few thousand rows. */
const MAX_STATEMENTS = 200;

/** The outcomes that are the gateway's own failures. */
const FAILURES: ReadonlySet<Outcome> = new Set(['timeout', 'unavailable', 'error']);

/** Whether an error of GraphQL is one of those. */
function isFailure(code: string): boolean {
  return FAILURES.has(outcomeOf({ errorCodes: [code], status: 200 }));
}

function markFailed(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', type);
}

/** The first word of a statement: what it does, or WITH. */
function keywordOf(text: string): string {
  return /[A-Za-z]+/.exec(text)?.[0].toUpperCase() ?? 'SQL';
}

/** How PostgreSQL, or else the driver, calls an error. */
function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** Ends the span of a statement. What an error says beside its code may have data in it. */
function endStatement(span: Span, error: unknown): void {
  if (error !== undefined) {
    const code = codeOf(error);
    markFailed(span, code);
    if (/^[0-9A-Z]{5}$/.test(code)) span.setAttribute('db.response.status_code', code);
  }
  span.end();
}

/** What is traced of a request that no trace is recorded of: its id, since others may record it. */
function untraced(traceId: string): RequestTrace {
  return {
    traceId,
    operationBegins: () => () => {},
    statementBegins: () => undefined,
    lasts: () => {},
    end: () => {},
  };
}

/**
 * Follows a request, whose span has begun.
 * @param method what the span is called by, ahead of the route; undefined where it is no request of HTTP.
 * @param about read when the request is over.
 * @param labelOf bounds how many names there are of operations: callers choose them.
 */
export function followRequest(
  tracer: Tracer,
  request: Span,
  method: string | undefined,
  about: CurrentRequest['about'],
  labelOf: (name: string) => string,
): RequestTrace {
  const { traceId } = request.spanContext();
  if (!request.isRecording()) return untraced(traceId);
  const requestContext = trace.setSpan(ROOT_CONTEXT, request);
  /** What is begun now is part of this. */
  let context = requestContext;
  let statements = 0;
  let endOperation: ((errorCodes: readonly string[]) => void) | undefined;

  const end = (outcome: Outcome) => {
    endOperation?.([]);
    if (method !== undefined && about.route?.startsWith('/')) {
      request.updateName(`${method} ${about.route}`);
      request.setAttribute('http.route', about.route);
    }
    request.setAttribute('rosetta.outcome', outcome);
    if (statements > MAX_STATEMENTS) {
      request.setAttribute('rosetta.statements_left_out', statements - MAX_STATEMENTS);
    }
    request.end();
  };

  return {
    traceId,
    operationBegins(type, name) {
      if (endOperation) return endOperation;
      const operation = tracer.startSpan(
        name === undefined ? type : `${type} ${labelOf(name)}`,
        { attributes: { 'graphql.operation.type': type, 'graphql.operation.name': name } },
        requestContext,
      );
      context = trace.setSpan(requestContext, operation);
      endOperation = (errorCodes) => {
        if (!operation.isRecording()) return;
        endOperation = undefined;
        context = requestContext;
        const failure = errorCodes.find(isFailure);
        if (failure !== undefined) markFailed(operation, failure);
        if (errorCodes.length > 0) operation.setAttribute('rosetta.error_codes', [...errorCodes]);
        operation.end();
      };
      return endOperation;
    },
    statementBegins(text) {
      if (!request.isRecording() || ++statements > MAX_STATEMENTS) return undefined;
      const keyword = keywordOf(text);
      const statement = tracer.startSpan(
        keyword,
        {
          kind: SpanKind.CLIENT,
          attributes: {
            'db.system.name': 'postgresql',
            'db.operation.name': keyword,
            'db.query.text': text,
          },
        },
        context,
      );
      return (error) => endStatement(statement, error);
    },
    lasts() {
      if (request.isRecording()) end('success');
    },
    end(ending: Ending) {
      if (!request.isRecording()) return;
      const { status, code, errorCodes = [] } = ending;
      if (method !== undefined && status !== undefined) {
        request.setAttribute('http.response.status_code', status);
        if (status >= 500) markFailed(request, String(status));
      }
      if (code !== undefined) request.setAttribute('rosetta.code', code);
      if (errorCodes.length > 0) request.setAttribute('rosetta.error_codes', [...errorCodes]);
      end(outcomeOf(ending));
    },
  };
}
