import type { GatewayError } from './errors.ts';
import { ANYBODY, type Viewer } from './viewer.ts';

/** Who is asking, for as long as that holds: keys are revoked, tokens expire. */
export interface Session {
  readonly viewer: Viewer;
  /** The points a minute that all of his requests may cost; undefined: without end. */
  readonly budget?: number | undefined;
  /**
   * Looks now and then whether it still holds, for what lives longer than a request.
   * @param onEnd called once it does not, with what to tell the caller (UNAUTHENTICATED).
   * @returns what ends the looking.
   */
  readonly watch: (onEnd: (reason: GatewayError) => void) => () => void;
}

/** One that never ends: of whoever asks, where nobody is asked who he is. */
export function endlessSession(viewer: Viewer = ANYBODY): Session {
  return { viewer, watch: () => () => {} };
}
