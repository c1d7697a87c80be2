import { limits } from '@postrider/core';
import type { Work } from './work.ts';

/**
 * What is read is a part of the answer that it came with, and keeps all of it alive: up to a mebibyte for one small delivery.
 * Whatever may wait for long gets bytes of its own, so that memory holds no more than about what is counted.
 */
export function giveOwnBytes(work: Work): void {
  const { delivery, view } = work;
  if (delivery === null) return;
  const { header, body } = delivery;
  const own = header.length + body.length;
  const kept = header.buffer.byteLength + (body.buffer === header.buffer ? 0 : body.buffer.byteLength);
  if (kept <= limits.keptAliveFactor * (own + limits.queuedOverheadBytes)) return;
  // Not of the pool that small buffers share: it would be kept alive as well.
  const copy = Buffer.allocUnsafeSlow(own);
  header.copy(copy);
  body.copy(copy, header.length);
  const ownHeader = copy.subarray(0, header.length);
  work.delivery = { header: ownHeader, body: copy.subarray(header.length) };
  if (view?.header === header) work.view = { ...view, header: ownHeader };
}

/** First attempts that stay in memory: those that still do after a second or two get bytes of their own. */
export interface Lingering {
  /** It waits in its lane. */
  add(work: Work): void;
  /** Called every second. */
  tick(): void;
}

/** Nothing waits. Most of what does is soon started: asked again a second later, it costs nothing to find out. */
export function createLingering(): Lingering {
  let fresh: Work[] = [];
  let older: Work[] = [];
  return {
    add: (work) => void fresh.push(work),
    tick() {
      for (const work of older) if (work.queuedIn !== null) giveOwnBytes(work);
      older = fresh;
      fresh = [];
    },
  };
}
