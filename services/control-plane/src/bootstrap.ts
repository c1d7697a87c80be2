import { configKey, LAYOUT_KEY, untilKafkaAnswers } from '@postrider/config-view';
import { limits, PostriderError } from '@postrider/core';
import { checkTopics, topicName, topicSpecs } from '@postrider/kafka';
import type { ConfigView } from '@postrider/config-view';
import { ApiKeyConfig, type Layout } from '@postrider/contract/postrider/v1/config';
import type { Clock, RoleName } from '@postrider/core';
import type { Admin } from '@postrider/kafka';
import type { Logger } from '@postrider/runtime';
import type { ApiKey } from './api-key.ts';
import type { ConfigWriter } from './config-writer.ts';

/** What the topics are made with. */
export interface TopicsConfig {
  readonly topicPrefix: string;
  /** P of the first layout; afterwards the layout on `config` decides. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Whether missing topics are created. */
  readonly createTopics: boolean;
  /** How long entries of the audit are kept, at least. */
  readonly auditRetentionMs: number;
}

export interface TopicsContext {
  readonly admin: Admin;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const BOOT_ACTOR = 'control-plane';
const ADMIN_ROLE: RoleName = 'admin';

/** The topics of the first change, `config`, which says how large the others are, and `audit`, which tells of it. */
export async function ensureFirstTopics(config: TopicsConfig, context: TopicsContext): Promise<void> {
  if (!config.createTopics) return;
  const names = (['config', 'audit'] as const).map((id) => topicName(config.topicPrefix, id));
  await createMissing(config, config.partitions, context, (topic) => names.includes(topic));
}

/** Creates what is missing, if asked to, and holds what is there against what the promises need. */
export async function ensureTopics(config: TopicsConfig, layout: Layout, context: TopicsContext): Promise<void> {
  if (config.createTopics) await createMissing(config, layout.partitions, context, () => true);
  const specs = topicSpecs(topicLayout(config, layout.partitions));
  const described = await ask(context, () => context.admin.describeTopics(specs.map(({ name }) => name)));
  const problems = checkTopics(described, {
    prefix: config.topicPrefix,
    partitions: layout.partitions,
    bodyBytesMax: limits.bodyBytesMax,
    retrySpanMs: limits.retrySpanMaxMs,
    auditRetentionMs: config.auditRetentionMs,
  });
  if (problems.length > 0) throw new PostriderError('config_invalid', `the topics are not fit: ${problems.join(' ')}`);
}

async function createMissing(
  config: TopicsConfig,
  partitions: number,
  context: TopicsContext,
  wanted: (name: string) => boolean,
): Promise<void> {
  const specs = topicSpecs(topicLayout(config, partitions)).filter(({ name }) => wanted(name));
  const { created } = await ask(context, () => context.admin.createTopics(specs));
  if (created.length > 0) context.log.info({ topics: created }, 'created topics');
}

function topicLayout({ topicPrefix, replicationFactor, auditRetentionMs }: TopicsConfig, partitions: number) {
  return { prefix: topicPrefix, partitions, replicationFactor, bodyBytesMax: limits.bodyBytesMax, auditRetentionMs };
}

function ask<T>({ clock, log, signal }: TopicsContext, action: () => Promise<T>): Promise<T> {
  return untilKafkaAnswers({ clock, log, signal, what: 'the control plane' }, action);
}

/** The layout on `config`, written now if there is none. */
export async function ensureLayout(
  writer: Pick<ConfigWriter, 'change'>,
  view: ConfigView,
  partitions: number,
  log: Logger,
): Promise<Layout> {
  const { layout } = view.snapshot();
  if (layout !== null) {
    if (layout.partitions !== partitions) {
      log.info({ configured: partitions, layout: layout.partitions }, 'the layout on config decides the partitions');
    }
    return layout;
  }
  return writer.change(BOOT_ACTOR, ({ put }) => {
    const value: Layout = { generation: 1, partitions, slots: limits.slots };
    put(LAYOUT_KEY, () => ({ $case: 'layout', value }));
    return value;
  });
}

/** The first key, from the environment: only its hash is kept. Changing its secret there changes it here. */
export async function ensureAdminKey(
  writer: Pick<ConfigWriter, 'change'>,
  { id, hash }: ApiKey,
  log: Logger,
): Promise<void> {
  await writer.change(BOOT_ACTOR, ({ snapshot, now, knowsDeleted, put }) => {
    const existing = snapshot.apiKey(id);
    // Who deleted, revoked or ended it meant this very secret, and may have forgotten that it stands in the environment.
    if (existing === undefined && knowsDeleted('api-key', id)) {
      const text = 'POSTRIDER_BOOTSTRAP_ADMIN_KEY opens nothing: the key was deleted, and its id is not used again';
      return log.warn({ key: `apiKeys/${id}` }, text);
    }
    const isSame = existing?.hash.equals(hash) === true;
    if (isSame && existing.revokeTime !== undefined) return;
    if (isSame && existing.role === ADMIN_ROLE && existing.tenant === '') return;
    const createTime = existing?.createTime ?? now;
    put(configKey('api-key', id), (revision) => ({
      $case: 'apiKey',
      value: { ...ApiKeyConfig.fromPartial({ id, role: ADMIN_ROLE, revision }), hash, createTime, updateTime: now },
    }));
  });
}
