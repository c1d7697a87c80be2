import { apiKey, withCommitError, withHeartbeatError, type KafkaAnswer } from '../../support/kafka-frames.ts';
import type { Row } from '../row.ts';

/** Not the coordinator, unknown member, a rebalance is in progress. */
const errors = [16, 25, 27];
const eachMs = 4_000;

export const coordinatorRefuses: Row = {
  id: 'F27',
  title: 'Heartbeats and commits of a router and a dispatcher are refused with errors 16, 25 and 27',
  recoveryMsMax: 15_000,
  async inject(scene) {
    const victims = [scene.dispatcher(1), scene.stack.routers[0] as ReturnType<typeof scene.dispatcher>];
    let refused = 0;
    scene.broken();
    for (const error of errors) {
      const judge = (answer: KafkaAnswer) => {
        if (answer.apiKey !== apiKey.heartbeat && answer.apiKey !== apiKey.offsetCommit) return 'pass';
        refused += 1;
        return answer.apiKey === apiKey.heartbeat ? withHeartbeatError(answer, error) : withCommitError(answer, error);
      };
      for (const victim of victims) scene.edge(victim).set({ kind: 'answers', judge });
      await scene.pass(eachMs);
      for (const victim of victims) scene.edge(victim).set({ kind: 'none' });
      await scene.recovered(Date.now());
    }
    scene.mended();
    scene.promise(`answers were refusals (${refused})`, refused >= errors.length);
  },
};
