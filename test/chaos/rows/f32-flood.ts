import { jainIndex } from '../../bench/rig/figures.ts';
import { inviteGuest } from '../guest.ts';
import { deliveriesPerEndpoint } from '../measure.ts';
import type { Row } from '../row.ts';

/** Ten times what all others publish; each is wanted by three endpoints. */
const eventsPerSecond = 300;
const lastsMs = 20_000;
const events = (eventsPerSecond * lastsMs) / 1_000;
const endpoints = ['flood-1', 'flood-2', 'flood-3'];
const lookMs = 500;
/** 1: each of the other tenants is sent as much as each other. */
const fairnessMin = 0.9;
const drainedMsMax = 120_000;

export const flood: Row = {
  id: 'F32',
  title: `A tenant publishes ${eventsPerSecond} events a second for ${lastsMs / 1_000} s, ten times as many as all others together`,
  recoveryMsMax: 5_000,
  noDuplicates: true,
  calmRatioMax: 1.5,
  async inject(scene) {
    const guest = await inviteGuest(
      scene,
      'flood',
      endpoints.map((path) => ({ path, endpoint: {} })),
    );
    // Nobody else is to notice.
    const from = scene.broken(new Set());
    await guest.publishSteadily(events, eventsPerSecond);
    const span = { from, to: Date.now(), paths: scene.goodPaths() };
    await scene.recovered(from);
    const fairness = jainIndex(deliveriesPerEndpoint(await scene.receivedSince(from), span));
    scene.promise(`the others share alike: Jain's index ${fairness.toFixed(3)}`, fairness >= fairnessMin);
    const all = async () => {
      await scene.pass(lookMs);
      return (await guest.delivered()) === events * endpoints.length;
    };
    await scene.promiseSoon(`all of it is delivered within ${drainedMsMax / 1_000} s`, drainedMsMax, all);
    scene.mended();
  },
};
