import { limits, type Clock } from '@postrider/core';
import { createSweep, type Slices, type Sweep } from './slices.ts';
import type { Reign } from './reign.ts';
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

/** How long a first attempt is in its queue before it gets them: most are started sooner, and need none (ms). */
const SOON_MS = 1_000;

/** The same for what still stands in its queue after that (`now`: ms since the Unix epoch). */
export function giveOwnBytesIfWaiting(work: Work, now: number): void {
  if (work.queuedIn !== null && now - work.readyAt >= SOON_MS) giveOwnBytes(work);
}

/** Goes through a reign's deliveries and gives those that wait bytes of their own. */
export function createOwnBytesSweep({ slices, reign, clock }: OwnBytesOptions): Sweep<Work> {
  return createSweep<Work>({
    ...{ slices, perStep: 64 },
    mayGoOn: () => reign.over === null,
    act: (work) => giveOwnBytesIfWaiting(work, clock.now()),
  });
}

interface OwnBytesOptions {
  readonly slices: Slices;
  readonly reign: Pick<Reign, 'over'>;
  readonly clock: Pick<Clock, 'now'>;
}
