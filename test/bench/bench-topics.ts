import { limits } from '@postrider/core';
import { topicSpecs, type KafkaPort } from '@postrider/kafka';

/** Creates Postrider's topics as an installation has them. */
export async function createBenchTopics(kafka: KafkaPort, prefix: string, partitions: number): Promise<void> {
  const { brokers } = await kafka.admin.describeCluster();
  const replicationFactor = brokers >= 3 ? 3 : 1;
  const specs = topicSpecs({ prefix, partitions, replicationFactor, bodyBytesMax: limits.bodyBytesMax });
  await kafka.admin.createTopics(specs);
}

/** How many records a topic has been given, all partitions together. */
export async function recordsOn(kafka: KafkaPort, topic: string): Promise<number> {
  return (await kafka.admin.offsets(topic)).reduce((sum, { high }) => sum + high, 0);
}
