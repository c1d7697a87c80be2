import type { Row } from '../row.ts';

const askedMs = 30_000;
/** Requests that were on their way when the first answer came. */
const underWayMs = 1_000;
const lateMs = 1_000;
/** Of tenant a, b and c, in turn. */
const patient = 'good-1';
const curt = 'good-2';
const wholeTenant = ['good-3', 'good-6', 'good-9', 'good-12', 'slow'];
const overloaded = new Set([patient, curt, ...wholeTenant]);

export const endpointsOverloaded: Row = {
  id: 'F23',
  title:
    'One endpoint answers 429 with Retry-After 30, one 429 alone, and all of a tenant 429 with Retry-After 10, for 35 s',
  recoveryMsMax: 60_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  async inject(scene) {
    const { receiver } = scene.parts;
    const from = scene.broken(overloaded);
    await receiver.alter([patient], { status: 429, retryAfter: askedMs / 1_000 });
    await receiver.alter([curt], { status: 429 });
    await receiver.alter(wholeTenant, { status: 429, retryAfter: 10 });
    await scene.pass(askedMs / 2);
    // Their third attempts would be two minutes apart.
    await receiver.alter([patient, curt], { status: 200 });
    await scene.pass(askedMs / 2 + 5_000);
    const requests = (await scene.receivedSince(from)).filter(({ path }) => path === patient);
    const first = requests.find(({ status }) => status === 429)?.at ?? 0;
    const last = requests.filter(({ status, at }) => status === 429 && at <= first + underWayMs).at(-1)?.at ?? 0;
    const next = requests.find(({ at }) => at > first + underWayMs)?.at ?? Infinity;
    scene.promise('nothing is sent before the time that was asked for is over', next >= first + askedMs);
    scene.promise('and it is within a second of it', next <= last + askedMs + lateMs);
    const failing = scene.stack.dispatchers.some((dispatcher) => scene.said(dispatcher, /endpoint\.failing/));
    scene.promise('who asks for less is not failing', !failing);
    await receiver.alter([...overloaded], { status: 200 });
    await scene.recovered(scene.mended(), overloaded);
  },
};
