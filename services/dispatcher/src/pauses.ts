import { pausesOf, type Clock, type Pausable } from '@postrider/core';
import type { ConfigView } from '@postrider/config-view';
import type { Pause } from '@postrider/contract/postrider/v1/pause';

/** What people have paused, as this process knows it. */
export interface Pauses {
  /** The pauses that keep it from being sent now, the widest first. */
  of(what: Pausable): readonly Pause[];
  /** Calls `listener` when a pause began, was changed or is over. Returns what ends that. */
  onChange(listener: () => void): () => void;
  /** Called every second: a pause with an end is over by itself. */
  tick(): void;
}

/** Follows the configuration. */
export function createPauses(view: Pick<ConfigView, 'snapshot' | 'onChange'>, clock: Clock): Pauses {
  const listeners = new Set<() => void>();
  let nextEnd = endAfter(-Infinity);

  function endAfter(since: number): number {
    let next = Infinity;
    for (const { expireTime } of view.snapshot().pauses()) {
      const end = expireTime?.getTime() ?? Infinity;
      if (end > since) next = Math.min(next, end);
    }
    return next;
  }

  const tell = (): void => {
    nextEnd = endAfter(clock.now());
    for (const listener of listeners) listener();
  };
  // It lives as long as the view.
  view.onChange((changes) => {
    if (changes.some(({ kind }) => kind === 'pause')) tell();
  });

  return {
    of(what) {
      const snapshot = view.snapshot();
      return pausesOf(what, (id) => snapshot.pause(id), clock.now());
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tick() {
      if (clock.now() >= nextEnd) tell();
    },
  };
}
