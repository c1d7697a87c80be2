import { pause, topicName } from '@postrider/kafka';
import { openAuditChain } from './audit/chain.ts';
import { createHeadTeller } from './audit/head-teller.ts';
import { ensureAdminKey, ensureLayout, ensureTopics } from './bootstrap.ts';
import { openConfigWriter } from './config-writer.ts';
import { declaredSources } from './egress/announced.ts';
import { ensureAnnounced } from './egress/first-announcement.ts';
import { tellAddressChanges } from './egress/tell-changes.ts';
import { startOperations } from './operations/run-operations.ts';
import { serverLimits } from './server-limits.ts';
import { startRestating } from './restating.ts';
import { startRewrapping } from './secrets/rewrapping.ts';
import { startVerifier } from './verifier.ts';
import type { ConfigView, DataKeys, Keyring } from '@postrider/config-view';
import type { Clock, RandomBytes } from '@postrider/core';
import type { PoolDefinitions } from '@postrider/egress';
import type { KafkaPort } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';
import type { ApiKey } from './api-key.ts';
import type { TopicsConfig } from './bootstrap.ts';
import type { AuditChain } from './audit/chain.ts';
import type { ConfigMark } from './config-mark.ts';
import type { AuditEvents } from './audit/audit-events.ts';
import type { ControlPlaneEvents } from './events.ts';
import type { Term } from './leadership.ts';
import type { OperationEvents } from './operations/operation-events.ts';
import type { StaleKeys } from './stale-keys.ts';
import type { WriterSeat } from './writer-seat.ts';

export interface TermOptions {
  readonly config: TopicsConfig & {
    readonly processId: string;
    readonly keys: Keyring;
    readonly bootstrapAdminKey?: ApiKey;
    readonly pools?: PoolDefinitions;
  };
  /** Full name of the `config` topic. */
  readonly topic: string;
  /** Where the other replicas reach this one. */
  readonly address: string;
  readonly kafka: KafkaPort;
  readonly view: ConfigView;
  readonly seat: WriterSeat;
  readonly mark: ConfigMark;
  readonly stale: StaleKeys;
  readonly dataKeys: DataKeys;
  readonly events: AuditEvents & OperationEvents & Pick<ControlPlaneEvents, 'keysRewrapped' | 'keyTrouble'>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Begins to lead: becomes the writer, sees to it that there are a layout, topics and a first key, and goes on with what leaders
 * before have left.
 * @throws PostriderError `config_invalid` when the topics are not fit; what `openConfigWriter` throws
 */
export async function beginTerm(options: TermOptions): Promise<Term> {
  const { config, kafka, view, seat, mark, stale, clock, random, log, signal, events } = options;
  await using stack = new AsyncDisposableStack();
  const openAudit = async (): Promise<AuditChain> =>
    openAuditChain({
      kafka,
      topic: topicName(config.topicPrefix, 'audit'),
      noted: await mark.audited(),
      onLoss: events.auditLost,
    });
  const writer = stack.use(
    await openConfigWriter({
      ...options,
      ...config,
      openAudit,
      mayWrite: () => seat.mayWrite(),
      inspect: () => mark.inspect(),
    }),
  );
  const restating = stack.use(startRestating({ writer, stale: stale.keys, clock, log }));
  stack.defer(stale.onMore(() => restating.wake()));
  const layout = await ensureLayout(writer, view, config.partitions, log);
  await ensureTopics(config, layout, { admin: kafka.admin, clock, log, signal });
  if (config.bootstrapAdminKey !== undefined) await ensureAdminKey(writer, config.bootstrapAdminKey, log);
  else if ([...view.snapshot().apiKeys()].length === 0) {
    log.warn({}, 'there is no API key yet: set POSTRIDER_BOOTSTRAP_ADMIN_KEY to make one');
  }
  const { topicPrefix } = config;
  const sources = declaredSources(config.pools);
  await ensureAnnounced(writer, view, { sources, actor: config.processId }, log);
  stack.use(await tellAddressChanges({ kafka, view, writer, topicPrefix: config.topicPrefix, clock, log }));
  const verifier = stack.use(
    await startVerifier({ kafka, view, writer, topicPrefix, offsets: seat, clock, random, log }),
  );
  stack.use(startRewrapping({ ...options, keyring: config.keys, writer }));
  stack.use(startOperations({ ...options, writer }));
  const note = async (): Promise<void> => {
    await mark.inspect();
    await mark.note(writer.auditHead);
    tellHead(writer.auditHead);
    await verifier.note();
  };
  await mark.note(writer.auditHead);
  const tellHead = createHeadTeller(events, clock);
  tellHead(writer.auditHead);
  const owned = stack.move();
  return {
    writer,
    verifier,
    note,
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync();
      tellHead(writer.auditHead, 'now');
      // Whoever leads by now notes more than we know.
      if (seat.held) await Promise.race([noteAtTheEnd(), pause(clock, serverLimits.writerStopGraceMs)]);
    },
  };

  async function noteAtTheEnd(): Promise<void> {
    try {
      await Promise.all([mark.note(writer.auditHead), verifier.note()]);
    } catch (error) {
      log.warn({ error }, 'how far the configuration was written could not be noted');
    }
  }
}
