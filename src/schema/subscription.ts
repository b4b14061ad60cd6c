import type { Consumer } from '../feed/follow.ts';
import { createLoaders } from '../loaders/loaders.ts';
import type { GatewayContext } from './context.ts';

/** Why a subscription ends: its last event. */
class Ended {
  constructor(readonly reason: unknown) {}
}

/** The event of a subscription; raises the error that is the last one. */
export function eventOf<Event>(event: Event | Ended): Event {
  if (event instanceof Ended) throw event.reason;
  return event;
}

/**
 * Makes of events what GraphQL executes a subscription over, for `eventOf` to resolve. Who leaves ends what the events
 * wait for, which a generator's own `return` would wait for itself. Why they fail is an event too: of an iterator that
 * throws, callers over HTTP would see a broken connection.
 * @param events begins when the first one is asked for.
 */
export function subscription<Event>(
  context: GatewayContext,
  events: (consumer: Consumer) => AsyncGenerator<Event, void>,
): AsyncIterableIterator<Event | Ended> {
  const stop = new AbortController();
  const { signal } = stop;
  const consumer: Consumer = { signal, hangUp: context.hangUp, handedAt: undefined };
  const generator = events(consumer);
  /** Why it ends before its events do, until that is told. */
  let ending: Ended | undefined;
  let unwatch: (() => void) | undefined;
  const finish = (): IteratorResult<Ended, undefined> => {
    stop.abort();
    unwatch?.();
    const value = ending;
    ending = undefined;
    return value ? { done: false, value } : { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<Event | Ended, undefined>> => {
    if (signal.aborted) return finish();
    unwatch ??= context.watch((reason) => {
      ending = new Ended(reason);
      stop.abort();
    });
    try {
      const event = await generator.next();
      return signal.aborted || event.done ? finish() : event;
    } catch (reason) {
      if (signal.aborted) return finish();
      finish();
      return { done: false, value: new Ended(reason) };
    }
  };
  return {
    async next() {
      consumer.handedAt = undefined;
      const event = await next();
      consumer.handedAt = performance.now();
      // What has been read for another event may have changed since.
      context.loaders = createLoaders(context.prisma);
      return event;
    },
    return: () => {
      ending = undefined;
      return Promise.resolve(finish());
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
