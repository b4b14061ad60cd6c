import type { PrismaClient } from '../database/generated/client/client.ts';
import type { ReadTexts } from '../database/texts.ts';
import type { Session } from '../domain/session.ts';
import type { Viewer } from '../domain/viewer.ts';
import type { Feed } from '../feed/feed.ts';
import type { EntityOutcome, GivenEntity } from '../import/entities.ts';
import type { Loaders } from '../loaders/loaders.ts';

/** What every resolver of one request shares. */
export interface GatewayContext {
  /** 32 lower-case hex digits, fresh for each request. */
  readonly requestId: string;
  /** Who is asking. */
  readonly viewer: Viewer;
  /** Tells when that holds no longer. */
  readonly watch: Session['watch'];
  readonly prisma: PrismaClient;
  /** Reads texts that statements of whole operations make. */
  readonly texts: ReadTexts;
  /** The time zone of the roll-ups that those may read; undefined where they may read none. */
  readonly rollUpZone: string | undefined;
  /** Made anew for each event of a subscription: what they have read is kept. */
  loaders: Loaders;
  /** What changes. */
  readonly feed: Feed;
  /** Closes the caller's connection. */
  readonly hangUp: () => void;
  /** Takes data in for the viewer; undefined where none is taken in. */
  readonly ingest:
    ((entities: readonly GivenEntity[], atomic: boolean) => Promise<EntityOutcome[]>) | undefined;
  /** The host in a task's `viewUrl`. */
  readonly rosettaDomain: string;
}
