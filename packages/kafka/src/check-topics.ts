import { RECORD_OVERHEAD_BYTES_MIN, topicDeclaration, topicDeclarations, topicName } from './topics.ts';
import type { TopicDescription } from './port.ts';
import type { AskedRetention, TopicDeclaration, TopicId } from './topics.ts';

export interface TopicLimits extends AskedRetention {
  readonly prefix: string;
  /** P of the layout record. */
  readonly partitions: number;
  readonly bodyBytesMax: number;
  /** The topics to look at; all declared ones when absent. A service names those it uses. */
  readonly topics?: readonly TopicId[];
}

/**
 * Compares topics as the brokers describe them with what the promises need, and says all problems at once, one sentence
 * each; an empty list means that all is well. Growing a topic, keeping more, or allowing larger records is never a problem.
 */
export function checkTopics(described: readonly TopicDescription[], limits: TopicLimits): readonly string[] {
  const byName = new Map(described.map((topic) => [topic.name, topic]));
  const wanted = limits.topics?.map(topicDeclaration) ?? topicDeclarations;
  return wanted.flatMap((declaration) => {
    const name = topicName(limits.prefix, declaration.id);
    const topic = byName.get(name);
    if (topic === undefined) return [`Topic ${name} does not exist.`];
    // How a publisher keeps events is the publisher's decision.
    if (declaration.partitionBy === 'publisher') return [];
    return [
      ...partitionProblems(topic, declaration, limits),
      ...retentionProblems(topic, declaration, limits),
      ...sizeProblems(topic, declaration, limits),
      ...durabilityProblems(topic),
    ];
  });
}

function partitionProblems(topic: TopicDescription, declaration: TopicDeclaration, limits: TopicLimits): string[] {
  const least = declaration.partitions === 'layout' ? limits.partitions : declaration.partitions;
  if (topic.partitions >= least) return [];
  return [`Topic ${topic.name} has ${topic.partitions} partitions; it needs at least ${least}.`];
}

function retentionProblems(topic: TopicDescription, declaration: TopicDeclaration, limits: TopicLimits): string[] {
  const problems: string[] = [];
  const policies = words(topic.config['cleanup.policy']);
  const wanted = words(declaration.policy);
  // Topics that are compacted but never expired lose truth by "delete"; plain ones lose records by "compact".
  if (policies.join() !== wanted.join()) {
    problems.push(`Topic ${topic.name} has cleanup.policy=${policies.join()}; it must be ${wanted.join()}.`);
  }
  if (topic.config['message.timestamp.type'] !== 'LogAppendTime') {
    problems.push(
      `Topic ${topic.name} has message.timestamp.type=${topic.config['message.timestamp.type']}; it must be LogAppendTime.`,
    );
  }
  if (policies.includes('delete')) problems.push(...expiryProblems(topic, declaration, limits));
  const lagMs = numberOf(topic, 'min.compaction.lag.ms');
  if (declaration.compactionLagMinMs !== undefined && !(lagMs >= declaration.compactionLagMinMs)) {
    problems.push(
      `Topic ${topic.name} has min.compaction.lag.ms=${lagMs}; it needs at least ${declaration.compactionLagMinMs} (24 h).`,
    );
  }
  return problems;
}

function expiryProblems(topic: TopicDescription, declaration: TopicDeclaration, limits: TopicLimits): string[] {
  const problems: string[] = [];
  const bytes = numberOf(topic, 'retention.bytes');
  if (bytes !== -1) {
    problems.push(
      `Topic ${topic.name} has retention.bytes=${bytes}; it must be -1, as size must never expire a record.`,
    );
  }
  const leastMs = declaration.retentionLeastMs?.(limits);
  const retentionMs = numberOf(topic, 'retention.ms');
  if (leastMs !== undefined && retentionMs !== -1 && !(retentionMs >= leastMs)) {
    const why =
      declaration.id === 'audit'
        ? 'as POSTRIDER_AUDIT_RETENTION says'
        : `for a retry span of ${days(limits.retrySpanMs)}`;
    problems.push(
      `Topic ${topic.name} has retention.ms=${retentionMs} (${days(retentionMs)}); it needs at least ${leastMs} (${days(leastMs)}) ${why}.`,
    );
  }
  return problems;
}

function sizeProblems(topic: TopicDescription, declaration: TopicDeclaration, limits: TopicLimits): string[] {
  if (!declaration.carriesBody) return [];
  const least = limits.bodyBytesMax + RECORD_OVERHEAD_BYTES_MIN;
  const bytes = numberOf(topic, 'max.message.bytes');
  if (bytes >= least) return [];
  return [
    `Topic ${topic.name} has max.message.bytes=${bytes}; it needs at least ${least} for bodies of ${limits.bodyBytesMax} bytes.`,
  ];
}

function durabilityProblems(topic: TopicDescription): string[] {
  const problems: string[] = [];
  const copies = topic.replicationFactor;
  const inSync = numberOf(topic, 'min.insync.replicas');
  if (copies >= 3 && !(inSync >= 2)) {
    problems.push(
      `Topic ${topic.name} has min.insync.replicas=${inSync} with ${copies} replicas; with less than 2 an acknowledged record can be lost with one broker.`,
    );
  }
  if (copies > 1 && inSync >= copies) {
    problems.push(
      `Topic ${topic.name} has min.insync.replicas=${inSync} with ${copies} replicas; losing one broker would stop all writes.`,
    );
  }
  if (copies === 1 && inSync > 1) {
    problems.push(`Topic ${topic.name} has min.insync.replicas=${inSync} with 1 replica; it can never be written.`);
  }
  if (topic.config['unclean.leader.election.enable'] === 'true') {
    problems.push(`Topic ${topic.name} has unclean.leader.election.enable=true; it would lose acknowledged records.`);
  }
  return problems;
}

function words(list: string | undefined): string[] {
  return (list ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .toSorted();
}

function numberOf(topic: TopicDescription, name: string): number {
  const text = topic.config[name];
  return text === undefined || text === '' ? Number.NaN : Number(text);
}

function days(ms: number): string {
  return `${Math.round((ms / 86_400_000) * 10) / 10} d`;
}
