import { apiKey } from '../../support/kafka-frames.ts';
import type { Row } from '../row.ts';

export const fetchesNothing: Row = {
  id: 'F26',
  title: 'The connections of a dispatcher go on to answer heartbeats and never answer a fetch again',
  recoveryMsMax: 60_000,
  noDuplicates: true,
  calmRatioMax: 1.2,
  async inject(scene) {
    const deaf = scene.dispatcher(1);
    const owned = scene.ownedBy(deaf);
    const from = scene.broken(owned);
    scene.edge(deaf).set({
      kind: 'answers',
      judge: (answer) => (answer.apiKey === apiKey.fetch ? 'hold' : 'pass'),
      standingOnly: true,
    });
    // Never mended: the dispatcher has to notice it by itself.
    await scene.recovered(from, owned);
    scene.mended();
    scene.edge(deaf).set({ kind: 'none' });
  },
};
