import { apiKey } from '../../support/kafka-frames.ts';
import type { Row } from '../row.ts';

const lostMs = 30_000;

export const lostAcknowledgements: Row = {
  id: 'F12',
  title: 'For 30 s every write arrives and every acknowledgement is lost',
  recoveryMsMax: 30_000,
  async inject(scene) {
    let lost = 0;
    const judge = (answer: { readonly apiKey: number }) => {
      if (answer.apiKey !== apiKey.produce) return 'pass';
      lost += 1;
      return 'lose';
    };
    scene.broken();
    for (const edge of scene.edges) edge.set({ kind: 'answers', judge });
    await scene.pass(lostMs);
    for (const edge of scene.edges) edge.set({ kind: 'none' });
    const mended = scene.mended();
    scene.promise(`acknowledgements were lost (${lost})`, lost > 0);
    await scene.recovered(mended);
  },
};
