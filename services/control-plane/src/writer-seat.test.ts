import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError } from '@postrider/kafka';
import { createFakeClock } from '@postrider/kafka/testing';
import { joinWriterSeat } from './writer-seat.ts';
import type { GroupMember, GroupMemberOptions, KafkaPort } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';

test('a group that Kafka is only getting ready is no warning, and told once; any other trouble is', async () => {
  const told: string[] = [];
  const say = (level: string) => (_fields: object, text: string) => void told.push(`${level} ${text.split(':')[0]}`);
  const log = { info: say('info'), warn: say('warn') } as unknown as Logger;
  const groupMember = ({ onTrouble }: GroupMemberOptions): Promise<GroupMember> => {
    for (const errorCode of [15, 14, 14, 16]) {
      const cause = Object.assign(new Error(`Kafka error ${errorCode}`), { errorCode });
      onTrouble?.(new KafkaError('UNAVAILABLE', cause.message, { cause }));
    }
    return Promise.resolve({} as GroupMember);
  };
  await joinWriterSeat({
    ...{ groupId: 'g', topic: 'postrider.config', processId: 'p', sessionTimeoutMs: 10_000, log },
    ...{
      kafka: { groupMember } as unknown as KafkaPort,
      clock: createFakeClock(),
      signal: AbortSignal.timeout(10_000),
    },
  });
  assert.deepEqual(told, [
    'info Kafka is getting the writers’ group ready',
    'warn the writers’ group cannot be reached',
  ]);
});
