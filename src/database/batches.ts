import type { PrismaClient } from './generated/client/client.ts';
import { currentRequest, onBehalfOf, type CurrentRequest } from './request.ts';

/** What Prisma gathers the look-ups of one tick with; the version that is installed has it in this form. */
interface Gathering {
  options: {
    batchBy: (lookUp: object) => string | undefined;
    singleLoader: (lookUp: object) => Promise<unknown>;
    batchLoader: (lookUps: object[]) => Promise<unknown[]>;
  };
}

/**
 * Keeps apart what different requests ask for. Prisma makes one statement of the unique look-ups that are asked for in one
 * tick, whoever asks, and sends all of a tick's on behalf of the first: with that request's end those of others would fail.
 */
export function withSeparateRequests(prisma: PrismaClient): PrismaClient {
  const { options } = (prisma as unknown as { _requestHandler: { dataloader: Gathering } })
    ._requestHandler.dataloader;
  const { batchBy, singleLoader, batchLoader } = options;
  const askers = new WeakMap<object, CurrentRequest>();
  options.batchBy = (lookUp) => {
    const batch = batchBy(lookUp);
    const asker = currentRequest();
    if (!asker) return batch;
    askers.set(lookUp, asker);
    return batch && `${asker.requestId} ${batch}`;
  };
  options.singleLoader = (lookUp) => onBehalfOf(askers.get(lookUp), () => singleLoader(lookUp));
  options.batchLoader = (lookUps) =>
    onBehalfOf(askers.get(lookUps[0]!), () => batchLoader(lookUps));
  return prisma;
}
