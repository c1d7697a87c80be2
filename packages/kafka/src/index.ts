export * from './port.ts';
export * from './headers.ts';
export * from './topics.ts';
export { checkTopics } from './check-topics.ts';
export type { TopicLimits } from './check-topics.ts';
export { connectKafka } from './kafkajs/connect.ts';
export type { KafkaConnection, KafkaLogger, KafkaOptions, KafkaSasl } from './kafkajs/connect.ts';
export { whenTopicsExist } from './when-topics-exist.ts';
export type { WhenTopicsExistOptions } from './when-topics-exist.ts';
