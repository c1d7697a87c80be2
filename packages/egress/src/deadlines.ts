import type { Clock } from '@postrider/core';

/** Something that wants to be looked at again at a time; it may be in one place of the wheel at most. */
export interface Watched {
  /** Called once when its time has come, with the monotonic time. */
  checkAt(now: number): void;
  /** The wheel's own. */
  place: Place | null;
  previous: Watched | null;
  next: Watched | null;
  due: number;
}

interface Place {
  first: Watched | null;
}

export interface Deadlines {
  /**
   * Looks at `watched` at `due` (monotonic milliseconds) or up to one tick later, or some more when very many are due
   * together; replaces an earlier time.
   */
  watch(watched: Watched, due: number): void;
  forget(watched: Watched): void;
}

const tickMs = 20;
const places = 64;
/** How long one tick may keep all else waiting (ms): each request that is given up is judged, told of and written down. */
const turnMs = 6;

const tickOf = (time: number): number => Math.floor(time / tickMs);

/**
 * One timer for all requests. Deadlines fall into ticks of 20 ms; setting and clearing one touches only its neighbours,
 * so a request that ends in time costs next to nothing. The timer runs only while something is watched. Hundreds that hang
 * since the same moment end at the same moment: what does not fit into one turn has the next tick's, before all that is due
 * then.
 */
export function createDeadlines(clock: Clock): Deadlines {
  const wheel: Place[] = Array.from({ length: places }, () => ({ first: null }));
  let count = 0;
  let ticked = 0;
  let running = false;

  function unlink(watched: Watched): void {
    if (watched.place === null) return;
    if (watched.previous === null) watched.place.first = watched.next;
    else watched.previous.next = watched.next;
    if (watched.next !== null) watched.next.previous = watched.previous;
    watched.place = watched.previous = watched.next = null;
    count--;
  }

  function link(watched: Watched): void {
    // A time beyond one turn of the wheel waits at its far end and is placed again there.
    const tick = Math.min(Math.max(tickOf(watched.due) + 1, ticked + 1), ticked + places - 1);
    const place = wheel[tick % places] as Place;
    watched.place = place;
    watched.previous = null;
    watched.next = place.first;
    if (place.first !== null) place.first.previous = watched;
    place.first = watched;
    count++;
  }

  function turn(): void {
    const now = clock.monotonic();
    const until = tickOf(now);
    // After a long stall one turn visits every place; more would visit them again.
    const last = Math.min(until, ticked + places);
    const reached: Watched[] = [];
    while (ticked < last) {
      ticked++;
      const place = wheel[ticked % places] as Place;
      for (let watched = place.first; watched !== null; watched = watched.next) reached.push(watched);
    }
    ticked = until;
    for (const watched of reached) unlink(watched);
    const late: Watched[] = [];
    for (const watched of reached) {
      // One of those before it may have set it anew, or forgotten it.
      if (watched.place !== null || watched.due === Infinity) continue;
      if (watched.due > now) link(watched);
      else if (clock.monotonic() - now > turnMs) late.push(watched);
      else watched.checkAt(now);
    }
    for (const watched of late.reverse()) link(watched);
    if (count > 0) clock.after(tickMs, turn);
    else running = false;
  }

  return {
    watch(watched, due) {
      unlink(watched);
      if (!running) {
        running = true;
        ticked = tickOf(clock.monotonic());
        clock.after(tickMs, turn);
      }
      watched.due = due;
      link(watched);
    },
    forget(watched) {
      unlink(watched);
      watched.due = Infinity;
    },
  };
}
