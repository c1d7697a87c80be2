export { systemClock, type SystemClock } from './clock.ts';
export {
  EnvError,
  readEnv,
  settingsOf,
  type Env,
  type EnvField,
  type EnvSpec,
  type EnvValues,
  type ReadEnvOptions,
  type Setting,
} from './env.ts';
export {
  boolean,
  bytes,
  combined,
  duration,
  fileContent,
  integer,
  list,
  oneOf,
  parsed,
  port,
  readableFile,
  secret,
  text,
  together,
  url,
} from './env-fields.ts';
export { envSecret, type EnvSecret } from './env-secret.ts';
export {
  createLogger,
  logLevels,
  recordingLogger,
  serializeError,
  silentLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type RecordedLine,
} from './log.ts';
export { run, type ProcessLike, type RunningService, type RunOptions } from './run.ts';
export { startHealth, type CheckResult, type Checks, type Health, type HealthOptions } from './health.ts';
export {
  createMetrics,
  type Counter,
  type Family,
  type GaugeReading,
  type Histogram,
  type Labels,
  type Metrics,
} from './metrics.ts';
export { createSpans, noSpans, spansTo, type SpanFields, type Spans } from './spans.ts';
export { addProcessMetrics } from './process-metrics.ts';
export { awsKms, type KmsSettings } from './aws/aws-env.ts';
export { AwsKmsError, type AwsKmsKey } from './aws/kms.ts';
export { keysEnv } from './keys-env.ts';
export { egressEnv } from './egress-env.ts';
export { kafkaEnv, kafkaSettings, type KafkaSettings } from './kafka-env.ts';
export { processEnv, processSettings, type ProcessDefaults, type ProcessSettings } from './process-env.ts';
export { reachableAddress, reachableAddressEnv } from './reachable-address.ts';
export type { ListeningHost } from './reachable-address.ts';
export { startPage, type Page, type PageDocument, type PageLimits, type PageOptions } from './page.ts';
export { isSameTls, readTlsFiles, TLS_VERSION_MIN, type TlsFiles, type TlsMaterial } from './tls-files.ts';
export { hostOf, isLoopback, tlsChannel, type TlsChannel, type TlsChannelOptions } from './tls-channel.ts';
export { fetchDocument, type FetchDocumentOptions } from './fetch-document.ts';
export { startAccepting, type Accepting, type AcceptLimits, type AcceptOptions } from './accept.ts';
export { beginYoung } from './young-memory.ts';
