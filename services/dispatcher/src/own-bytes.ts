import { limits, type Clock } from '@postrider/core';
import { createSweep } from './sweep.ts';
import type { Slices } from './slices.ts';
import type { StoredDelivery } from './waiting-store.ts';
import type { Work } from './work.ts';

/**
 * What is read is a part of the answer that it came with, and keeps all of it alive: up to a mebibyte for one small delivery.
 * Whatever is large or may wait for long gets bytes of its own, so that memory holds no more than about what is counted.
 */
export function giveOwnBytes(work: Work): void {
  const { delivery, view } = work;
  if (delivery === null || !keepsMoreThan(answerOf(delivery), countedOf(work))) return;
  const { header, body } = delivery;
  // Not of the pool that small buffers share: it would be kept alive as well.
  const copy = Buffer.allocUnsafeSlow(header.length + body.length);
  header.copy(copy);
  body.copy(copy, header.length);
  const ownHeader = copy.subarray(0, header.length);
  work.delivery = { header: ownHeader, body: copy.subarray(header.length) };
  if (view?.header === header) work.view = { ...view, header: ownHeader };
}

/** How long a first attempt is in its queue before it gets them: most are started sooner, and need none (ms). */
const SOON_MS = 1_000;

export interface OwnBytesOptions {
  readonly slices: Slices;
  readonly clock: Pick<Clock, 'now'>;
  /** All deliveries in hand, table by table. Asked twice for each sweep. */
  readonly tables: () => Iterable<Iterable<Work>>;
}

/** How many are looked at before everything else may have its turn. */
const LOOKS_PER_STEP = 64;

/**
 * Goes through a process's deliveries and gives bytes of their own to those that wait and are the little that is left of an
 * answer. Deliveries of one answer that wait keep it alive together: a backlog, in which everything waits for seconds, is
 * hardly copied at all. Large bodies have their own already.
 */
export function createOwnBytesSweep({ slices, clock, tables }: OwnBytesOptions): { run(): void } {
  const sweep = createSweep<Work | null>({
    ...{ slices, perStep: 1, mayGoOn: () => true },
    act(work) {
      if (work !== null) giveOwnBytes(work);
    },
  });
  return { run: () => sweep.run(leftOver(tables, clock.now())) };
}

/** What is to be copied, and null now and then on the way: first all are counted, then judged. */
function* leftOver(tables: OwnBytesOptions['tables'], now: number): Generator<Work | null> {
  const counted = new Map<ArrayBufferLike, number>();
  let looks = 0;
  for (const works of tables()) {
    for (const work of works) {
      const answer = waitsIn(work);
      if (answer !== null) counted.set(answer, (counted.get(answer) ?? 0) + countedOf(work));
      if (++looks % LOOKS_PER_STEP === 0) yield null;
    }
  }
  for (const works of tables()) {
    for (const work of works) {
      const answer = now - work.readyAt < SOON_MS ? null : waitsIn(work);
      if (answer !== null && keepsMoreThan(answer, counted.get(answer) ?? 0)) yield work;
      else if (++looks % LOOKS_PER_STEP === 0) yield null;
    }
  }
}

/** The answer that keeps a delivery which stands in its queue; null: it stands in none. */
function waitsIn({ queuedIn, delivery }: Work): ArrayBufferLike | null {
  return queuedIn === null || delivery === null ? null : answerOf(delivery);
}

/** A header that was written anew stands elsewhere than its body. */
function answerOf({ header, body }: StoredDelivery): ArrayBufferLike {
  return header.buffer.byteLength > body.buffer.byteLength ? header.buffer : body.buffer;
}

function keepsMoreThan(answer: ArrayBufferLike, counted: number): boolean {
  return answer.byteLength > limits.keptAliveFactor * counted;
}

function countedOf({ delivery }: Work): number {
  return delivery === null ? 0 : delivery.header.length + delivery.body.length + limits.queuedOverheadBytes;
}
