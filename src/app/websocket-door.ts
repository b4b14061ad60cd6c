import type { IncomingMessage } from 'node:http';
import { CloseCode } from 'graphql-ws';
import type { Logger } from 'pino';
import type { Authenticate } from '../auth/authenticate.ts';
import type { Session } from '../domain/session.ts';
import { identifyConnection, statusOfFault } from './identify.ts';
import { GRAPHQL_PATH } from './paths.ts';
import { createRequestId } from './request-id.ts';

/** WebSocket's word for a server that cannot do now what it could in a moment: clients come back. */
const TRY_AGAIN_LATER = 1013;

/** How a connection is closed that is not let in. */
interface Closing {
  readonly code: number;
  readonly reason: string;
}

const UNAUTHORIZED: Closing = { code: CloseCode.Unauthorized, reason: 'Unauthorized' };
const FORBIDDEN: Closing = { code: CloseCode.Forbidden, reason: 'Forbidden' };
const UNAVAILABLE: Closing = { code: TRY_AGAIN_LATER, reason: 'The gateway cannot answer now' };

/** Finds out who has opened a WebSocket, or how it is to be closed; then a line in the log says why. Never rejects. */
export async function admitConnection(
  authenticate: Authenticate,
  log: Logger,
  onRefused: (reason: string) => void,
  req: IncomingMessage,
  params: Readonly<Record<string, unknown>>,
): Promise<Session | Closing> {
  const requestId = createRequestId();
  const found = await identifyConnection(authenticate, req, params).catch((error: unknown) =>
    statusOfFault(error, requestId, log),
  );
  if (typeof found === 'object' && 'session' in found) return found.session;
  const refusal = typeof found === 'object' ? found.refusal : undefined;
  if (refusal) onRefused(refusal.reason);
  const closing = !refusal ? UNAVAILABLE : refusal.status === 403 ? FORBIDDEN : UNAUTHORIZED;
  log.info(
    {
      requestId,
      route: GRAPHQL_PATH,
      transport: 'websocket',
      code: closing.code,
      refusal: refusal?.reason,
    },
    'request',
  );
  return closing;
}
