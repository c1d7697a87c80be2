import { createSeldom, TROUBLE_EVERY_MS, untilKafkaAnswers } from '@postrider/config-view';
import { limits } from '@postrider/core';
import type { Clock } from '@postrider/core';
import { isGroupGettingReady } from '@postrider/kafka';
import type { GroupMember, KafkaPort } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';

export interface WriterSeatOptions {
  readonly kafka: KafkaPort;
  readonly groupId: string;
  /** Full name of the `config` topic, whose only partition is the seat. */
  readonly topic: string;
  readonly processId: string;
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** The place of the one process that leads, given by a consumer group that every replica is a member of. */
export interface WriterSeat extends AsyncDisposable, Pick<GroupMember, 'commit' | 'committed'> {
  /** Whether the group, as far as we have heard, gives the seat to this process. */
  readonly held: boolean;
  /** Whether writing is allowed now: held, and the group has heard from us lately. Asked before every write. */
  mayWrite(): boolean;
  /** Calls `listener` whenever the seat is given to this process, or to another one. */
  onChange(listener: (held: boolean) => void): void;
}

/** Joins the group, which gives the seat to one of its members and lets it keep it for as long as that is heard from. */
export async function joinWriterSeat(options: WriterSeatOptions): Promise<WriterSeat> {
  const { kafka, topic, clock, log, signal } = options;
  const seldom = createSeldom(clock, TROUBLE_EVERY_MS);
  const listeners = new Set<(held: boolean) => void>();
  let held = false;
  let isToldOfReadying = false;
  const join = (): Promise<GroupMember> =>
    kafka.groupMember({
      groupId: options.groupId,
      processId: options.processId,
      topics: [topic],
      startFrom: 'latest',
      sessionTimeoutMs: options.sessionTimeoutMs,
      onAssigned(assignment) {
        const before = held;
        held = assignment.get(topic)?.includes(0) ?? false;
        if (held !== before) for (const listener of listeners) listener(held);
      },
      onBatch() {},
      onTrouble(error) {
        if (!isGroupGettingReady(error))
          return seldom(() => log.warn({ error }, 'the writers’ group cannot be reached: waiting for Kafka'));
        if (!isToldOfReadying) log.info({}, 'Kafka is getting the writers’ group ready: waiting');
        isToldOfReadying = true;
      },
    });
  const member = await untilKafkaAnswers({ clock, log, signal, what: 'the control plane' }, join);
  return {
    get held() {
      return held;
    },
    mayWrite: () => held && isHeard(member, clock),
    onChange: (listener) => void listeners.add(listener),
    commit: (offsets) => member.commit(offsets),
    committed: (partition) => member.committed(partition),
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}

/** The group would not take us for dead yet: the last heartbeat that was answered was sent recently enough. */
function isHeard(member: GroupMember, clock: Clock): boolean {
  return clock.monotonic() - member.lastHeartbeatSentAt < limits.fenceFraction * member.sessionTimeoutMs;
}
