import { setImmediate } from 'node:timers/promises';
import { configKey } from '@postrider/config-view';
import { every } from '@postrider/core';
import { serverLimits } from '../server-limits.ts';
import { idOf, idsToForget } from './kept.ts';
import { deleteNextPart } from './tenant-deletion.ts';
import type { ConfigSnapshot, ConfigView } from '@postrider/config-view';
import type { OperationConfig } from '@postrider/contract/postrider/v1/config';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { AuditOrigin } from '../audit/origin.ts';
import type { ConfigWriter } from '../config-writer.ts';
import type { OperationEvents } from './operation-events.ts';

export interface RunOperationsOptions {
  readonly view: Pick<ConfigView, 'snapshot' | 'onChange'>;
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly events: OperationEvents;
  readonly clock: Clock;
  readonly log: Logger;
}

const ACTOR = 'control-plane';

/**
 * Goes on with every operation that is not done, in turns: each gets one part of its work done, written as one change, then
 * the next; other changes come in between. What is left to do is what the records say, so whoever leads next goes on with it.
 * A part that cannot be written is tried again when all others are done. Those that are done are forgotten after a while.
 */
export function startOperations(options: RunOperationsOptions): Disposable {
  const { view, clock, log } = options;
  let closed = false;
  let running = false;
  let cancel = (): void => {};

  async function run(): Promise<void> {
    if (running || closed) return;
    running = true;
    cancel();
    const failed = new Set<string>();
    for (;;) {
      const left = unfinished(view.snapshot()).filter((id) => !failed.has(id));
      if (left.length === 0 || closed) break;
      for (const id of left) {
        if (closed) break;
        await goOn(id, options).catch((error: unknown) => {
          failed.add(id);
          if (!closed) log.warn({ operation: id, error }, 'an operation cannot go on; trying again soon');
        });
        // Whoever has asked for something meanwhile is answered before the next part.
        await setImmediate();
      }
    }
    running = false;
    if (failed.size > 0 && !closed) cancel = clock.after(serverLimits.operationAgainMs, () => void run());
  }

  const stopWatching = view.onChange((changes) => {
    if (changes.some(({ kind, before }) => kind === 'operation' && before === undefined)) void run();
  });
  const forget = (): void => {
    forgetSome(options).catch((error: unknown) => {
      if (!closed) log.warn({ error }, 'operations that are done could not be forgotten; trying again later');
    });
  };
  const stopForgetting = every(clock, serverLimits.operationsLookEveryMs, forget);
  forget();
  void run();
  return {
    [Symbol.dispose]() {
      closed = true;
      stopWatching();
      stopForgetting();
      cancel();
    },
  };
}

/** Ids of operations that this version knows how to go on with: one of a newer version waits for that. */
function unfinished(snapshot: ConfigSnapshot): readonly string[] {
  return Array.from(snapshot.operations()).flatMap(({ operation }) =>
    operation === undefined || operation.done || operation.metadata === undefined ? [] : [idOf(operation)],
  );
}

async function goOn(id: string, { view, writer, events }: RunOperationsOptions): Promise<void> {
  const config = view.snapshot().operation(id);
  if (config?.operation === undefined) return;
  await writer.change(
    config.operation.principal,
    (change) => {
      const current = change.snapshot.operation(id);
      if (current?.operation?.done === false) deleteNextPart(change, current, current.operation);
    },
    originOf(config),
  );
  const after = view.snapshot().operation(id)?.operation;
  if (after?.done === true) events.operationDone(after);
}

function originOf({ method, callId, knownBy, requestId, peer, forwardedFor }: OperationConfig): AuditOrigin {
  return { method, callId, credential: knownBy, requestId, peer, forwardedFor };
}

async function forgetSome({ view, writer, clock }: RunOperationsOptions): Promise<void> {
  const some = (snapshot: ConfigSnapshot): readonly string[] =>
    idsToForget(snapshot.operations(), clock.now()).slice(0, serverLimits.deletedTogetherMax);
  while (some(view.snapshot()).length > 0) {
    await writer.change(ACTOR, ({ snapshot, remove }) => {
      for (const id of some(snapshot)) remove(configKey('operation', id));
    });
  }
}
