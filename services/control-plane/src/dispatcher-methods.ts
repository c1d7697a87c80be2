import { configKey } from '@postrider/config-view';
import { Drain } from '@postrider/contract/postrider/v1/drain';
import { Dispatcher } from '@postrider/contract/postrider/v1/dispatcher_service';
import { PostriderError, isSameProcess } from '@postrider/core';
import { parseDispatcherName } from './names.ts';
import { rejectUnreadable, rejectViolations } from './reject.ts';
import { serverLimits } from './server-limits.ts';
import { checkReason, createViolations } from './validate-common.ts';
import type {
  DrainDispatcherRequest,
  ListDispatchersRequest,
  ListDispatchersResponse,
  UndrainDispatcherRequest,
  UndrainDispatcherResponse,
} from '@postrider/contract/postrider/v1/dispatcher_service';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { OwnerOfPartition } from '@postrider/kafka';
import type { Method, ServiceContext } from './call.ts';

export function listDispatchers(context: ServiceContext): Method<ListDispatchersRequest, ListDispatchersResponse> {
  return async () => {
    const { owners, view, clock } = context;
    const [all, members] = await Promise.all([owners.all(), owners.members()]);
    const known = knownDispatchers(all, members, view.snapshot());
    const dispatchers = await Promise.all(known.map((one) => asked(one, context)));
    return {
      dispatchers,
      ownerlessPartitions: all.filter(isOwnerless).map(({ partition }) => partition),
      partitions: all.length,
      serverTime: new Date(clock.now()),
    };
  };
}

export function drainDispatcher({ owners, writer, view }: ServiceContext): Method<DrainDispatcherRequest, Drain> {
  return async ({ name, reason, force }, caller) => {
    const processId = parseDispatcherName(name, 'name');
    const violations = createViolations();
    checkReason(violations, reason);
    rejectViolations(violations.list);
    const [all, members] = await Promise.all([owners.all(), owners.members()]);
    const known = knownDispatchers(all, members, view.snapshot());
    const given = known.find((one) => one.name === name);
    if (given === undefined) throw new PostriderError('not_found', `there is no dispatcher ${processId} now`);
    return writer.change(caller.actor, ({ snapshot, now, put }) => {
      rejectUnreadable(snapshot, 'drain', processId, `the drain of ${name}`);
      const before = snapshot.drain(processId);
      const isLeft = (one: Dispatcher): boolean =>
        one.member && one.name !== name && snapshot.drain(one.name.slice('dispatchers/'.length)) === undefined;
      if (!force && !known.some(isLeft)) {
        const text = `${name} is the only one that takes part: drained, nothing would be delivered; set force if that is wanted`;
        throw new PostriderError('failed_precondition', text);
      }
      if (before === undefined) checkRoom(snapshot);
      const address = given.address === '' ? (before?.address ?? '') : given.address;
      const createTime = before?.createTime ?? now;
      const drain: Drain = { ...Drain.fromPartial({ name, reason, actor: caller.actor, address }), createTime };
      return put(configKey('drain', processId), () => ({ $case: 'drain', value: drain })).value;
    });
  };
}

export function undrainDispatcher({
  writer,
}: ServiceContext): Method<UndrainDispatcherRequest, UndrainDispatcherResponse> {
  return ({ name }, caller) => {
    const processId = parseDispatcherName(name, 'name');
    return writer.change(caller.actor, ({ snapshot, remove }) => {
      rejectUnreadable(snapshot, 'drain', processId, `the drain of ${name}`);
      const ended = snapshot.drain(processId);
      if (ended !== undefined) remove(configKey('drain', processId));
      return { ended };
    });
  };
}

function checkRoom(snapshot: ConfigSnapshot): void {
  const count = [...snapshot.drains()].length;
  if (count < serverLimits.drainsMax) return;
  throw new PostriderError('limit_reached', `${count} dispatchers are drained; undrain those that are gone for good`);
}

function isOwnerless({ processId, released }: OwnerOfPartition): boolean {
  return processId === null || released;
}

/** Everybody who owns something, is a member, or is drained, in the order of their names. */
function knownDispatchers(
  all: readonly OwnerOfPartition[],
  members: readonly string[],
  snapshot: ConfigSnapshot,
): readonly Dispatcher[] {
  const byId = new Map<string, Dispatcher>();
  const known = (id: string): Dispatcher => {
    const found = byId.get(id) ?? Dispatcher.fromPartial({ name: `dispatchers/${id}` });
    byId.set(id, found);
    return found;
  };
  const drains = new Map(Array.from(snapshot.drains(), (drain) => [drain.name.slice('dispatchers/'.length), drain]));
  // Whom the group has taken for dead once is listed with a number behind its id.
  const plain = (clientId: string): string => {
    const ids = [...drains.keys(), ...byId.keys()];
    return ids.find((id) => isSameProcess(clientId, id)) ?? clientId.replace(/\.\d+$/, '');
  };
  for (const owner of all) {
    if (owner.processId === null || owner.released) continue;
    const one = known(plain(owner.processId));
    one.partitions.push(owner.partition);
    one.address ||= owner.address;
  }
  for (const member of members) known(plain(member)).member = true;
  for (const [id, drain] of drains) Object.assign(known(id), { drain, address: known(id).address || drain.address });
  return [...byId.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function asked(dispatcher: Dispatcher, { owners, clock }: ServiceContext): Promise<Dispatcher> {
  const { name, address } = dispatcher;
  const started = clock.monotonic();
  try {
    const processId = name.slice('dispatchers/'.length);
    const status = await owners.ask({ processId, address }, 'describeProcess', {});
    return { ...dispatcher, status: { ...status, askedInMs: Math.round(clock.monotonic() - started) } };
  } catch (error) {
    return { ...dispatcher, problem: (error as Error).message };
  }
}
