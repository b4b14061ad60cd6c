/** A queue of events in simulated time: a binary heap, ordered by instant and then by the order of scheduling. */

interface Event {
  time: number;
  order: number;
  run: () => void;
}

export interface Timeline {
  /** The instant of the event that is running, in milliseconds since 1970 UTC. */
  now: number;
  /** Schedules `run` at an instant that is not in the past; fractions of a millisecond are cut off. */
  at(time: number, run: () => void): void;
  /** Runs the events one after another until none is left or the next one lies after `end`. */
  runUntil(end: number): void;
}

function isBefore(one: Event, other: Event): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}

/** Starts an empty timeline. */
export function createTimeline(): Timeline {
  const heap: Event[] = [];
  let scheduled = 0;

  function push(event: Event): void {
    let place = heap.length;
    heap.push(event);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  function pop(): Event {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return first;
  }

  const timeline: Timeline = {
    now: 0,
    at(time, run) {
      const instant = Math.floor(time);
      if (instant < timeline.now) throw new Error('An event cannot be scheduled in the past.');
      push({ time: instant, order: scheduled++, run });
    },
    runUntil(end) {
      while (heap.length > 0 && heap[0]!.time <= end) {
        const event = pop();
        timeline.now = event.time;
        event.run();
      }
    },
  };
  return timeline;
}
