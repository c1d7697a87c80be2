import { createSeldom, orAborted, TROUBLE_EVERY_MS, untilKafkaAnswers } from '@postrider/config-view';
import { isSameProcess, limits, PostriderError } from '@postrider/core';
import { serverLimits } from './server-limits.ts';
import type { Clock } from '@postrider/core';
import type { Admin, GroupMember, KafkaPort } from '@postrider/kafka';
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

/** The place of the one process that may write `config`, given by a consumer group. */
export interface WriterSeat extends AsyncDisposable {
  /** Whether writing is allowed now: assigned, and the group has heard from us lately. Asked before every write. */
  mayWrite(): boolean;
  /** Calls `listener` when the seat is given to someone else; at once if it was. It never comes back. */
  onLost(listener: (why: string) => void): void;
}

/**
 * Takes the seat. While another process holds it, waits for as long as a dead one would take to be noticed (session
 * timeout + 2 s).
 * @throws PostriderError `failed_precondition` when it is still held then, naming who holds it
 */
export async function takeWriterSeat(options: WriterSeatOptions): Promise<WriterSeat> {
  const { kafka, topic, clock } = options;
  const deadline = clock.monotonic() + options.sessionTimeoutMs + serverLimits.writerLeaveSlackMs;
  // Asked before joining: a second process that joined would make the group rebalance under the one that works.
  await waitForOthers(options, deadline);
  const seldom = createSeldom(clock, TROUBLE_EVERY_MS);
  let assigned = false;
  let lost: string | null = null;
  const listeners = new Set<(why: string) => void>();
  const seat = Promise.withResolvers<void>();
  const member = await whenKafkaAnswers(options, () =>
    kafka.groupMember({
      groupId: options.groupId,
      processId: options.processId,
      topics: [topic],
      startFrom: 'latest',
      sessionTimeoutMs: options.sessionTimeoutMs,
      onAssigned(assignment) {
        const before = assigned;
        assigned = assignment.get(topic)?.includes(0) ?? false;
        if (assigned) return seat.resolve();
        if (!before || lost !== null) return;
        lost = `the group ${options.groupId} gave the place to another process`;
        for (const listener of listeners) listener(lost);
      },
      onBatch() {},
      onTrouble: (error) =>
        seldom(() => options.log.warn({ error }, 'the writer’s group cannot be reached: waiting for Kafka')),
    }),
  );
  try {
    // Two that start at the same moment both join: one gets the seat, the other waits here in vain.
    if (!assigned) await Promise.race([seat.promise, waitForOthers(options, deadline).then(() => seat.promise)]);
  } catch (error) {
    await member[Symbol.asyncDispose]();
    throw error;
  }
  return {
    mayWrite: () => assigned && lost === null && isHeard(member, clock),
    onLost(listener) {
      listeners.add(listener);
      if (lost !== null) listener(lost);
    },
    [Symbol.asyncDispose]: () => member[Symbol.asyncDispose](),
  };
}

/** The group would not take us for dead yet: the last heartbeat that was answered was sent recently enough. */
function isHeard(member: GroupMember, clock: Clock): boolean {
  return clock.monotonic() - member.lastHeartbeatSentAt < limits.fenceFraction * member.sessionTimeoutMs;
}

async function waitForOthers(options: WriterSeatOptions, deadline: number): Promise<void> {
  const { kafka, groupId, processId, clock, log, signal, topic } = options;
  for (let asked = 0; ; asked += 1) {
    const others = await whenKafkaAnswers(options, () => othersIn(kafka.admin, groupId, processId));
    if (others.length === 0) return;
    if (clock.monotonic() >= deadline) {
      const who = others.join(', ');
      const text = `another control plane (${who}) is running on this cluster, and only one may write ${topic}: stop it first`;
      throw new PostriderError('failed_precondition', text);
    }
    if (asked === 0) log.info({ others }, 'waiting for the control plane before this one to leave');
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(serverLimits.writerAskEveryMs, resolve);
    await orAborted(promise, signal).finally(cancel);
  }
}

function whenKafkaAnswers<T>({ clock, log, signal }: WriterSeatOptions, action: () => Promise<T>): Promise<T> {
  return untilKafkaAnswers({ clock, log, signal, what: 'the control plane' }, action);
}

async function othersIn(admin: Admin, groupId: string, processId: string): Promise<string[]> {
  const { members } = await admin.describeGroup(groupId);
  return members.filter((member) => !isSameProcess(member, processId));
}
