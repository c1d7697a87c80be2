import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parsePools } from '@postrider/egress';
import { TOPIC_PREFIX_DEFAULT } from '@postrider/kafka';
import {
  EnvError,
  fileContent,
  integer,
  kafkaEnv,
  kafkaSettings,
  list,
  logLevels,
  oneOf,
  parsed,
  port,
  readEnv,
  text,
  type Env,
  type KafkaSettings,
  type LogLevel,
} from '@postrider/runtime';

/** Ports that little else uses, below the ranges that systems give to outgoing connections. */
const kafkaPortDefault = 19_392;
const grpcPortDefault = 19_380;
/** Partitions of a laptop's topics. */
const partitionsDefault = 12;

/** What a standalone installation is told, by its command line and by the environment. */
export interface StandaloneConfig {
  /** Absolute path of the folder that holds everything. */
  readonly dataDir: string;
  /** Whether that is where the command line looks for a running installation. */
  readonly isDefaultDataDir: boolean;
  /** Remove what earlier runs left. */
  readonly fresh: boolean;
  /** End when the story is told, instead of staying up. */
  readonly exitAfterStory: boolean;
  /** One's own cluster; absent: a Kafka is started here. */
  readonly ownKafka: KafkaSettings | undefined;
  /** Port of the Kafka that is started here; 0: any free one. */
  readonly kafkaPort: number;
  /** 0: any free one. */
  readonly grpcPort: number;
  readonly topicPrefix: string;
  /** P of the first layout. */
  readonly partitions: number;
  /** File of the egress pools that endpoints may name; absent: only `default`. */
  readonly poolsFile: string | undefined;
  readonly logLevel: LogLevel;
}

export const usage = `npm start [-- options]: Postrider with everything it needs, in one process.

  --fresh               remove what earlier runs left in the data folder, then start
  --exit-after-story    stop when the story is told: exit code 0, or 1 if anything did not arrive within 60 s
  --help                this text

Environment:
  POSTRIDER_KAFKA_BROKERS   host:port,… of your own Kafka (POSTRIDER_KAFKA_SSL… and POSTRIDER_KAFKA_SASL_… go with it);
                            without it one is started here
  POSTRIDER_KAFKA_PORT      port of the Kafka that is started here (${kafkaPortDefault}); 0 for any free one
  POSTRIDER_GRPC_PORT       port of the API (${grpcPortDefault}); 0 for any free one
  POSTRIDER_DATA_DIR        folder for data, keys and logs (.postrider)
  POSTRIDER_TOPIC_PREFIX    what topic names begin with (${TOPIC_PREFIX_DEFAULT})
  POSTRIDER_PARTITIONS      partitions of the topics when they are made (${partitionsDefault})
  POSTRIDER_EGRESS_POOLS_FILE  JSON of egress pools, as docs/egress.md describes it
  POSTRIDER_LOG_LEVEL       debug, info, warn, error, fatal or silent (info)
`;

/**
 * Reads command line and environment.
 * @param root the folder of the repository, where `.postrider` is by default
 * @throws EnvError with every variable that is wrong; TypeError for an option that is not known
 */
export function readStandaloneConfig(args: readonly string[], root: string, env: Env = process.env): StandaloneConfig {
  const flags = readFlags(args);
  const {
    kafka,
    pools: _checked,
    ...values
  } = readEnv(env, {
    kafka: { ...kafkaEnv, brokers: list('POSTRIDER_KAFKA_BROKERS', { optional: true }) },
    kafkaPort: port('POSTRIDER_KAFKA_PORT', { default: kafkaPortDefault }),
    grpcPort: port('POSTRIDER_GRPC_PORT', { default: grpcPortDefault }),
    dataDir: text('POSTRIDER_DATA_DIR', { default: '.postrider' }),
    topicPrefix: text('POSTRIDER_TOPIC_PREFIX', { default: TOPIC_PREFIX_DEFAULT }),
    partitions: integer('POSTRIDER_PARTITIONS', { default: partitionsDefault, min: 1, max: 4_096 }),
    poolsFile: text('POSTRIDER_EGRESS_POOLS_FILE', { optional: true }),
    pools: parsed(fileContent('POSTRIDER_EGRESS_POOLS_FILE', { optional: true }), checkPools),
    logLevel: oneOf('POSTRIDER_LOG_LEVEL', logLevels, { default: 'info' }),
  });
  const { brokers } = kafka;
  if (brokers === undefined && Object.keys(env).some((name) => /^POSTRIDER_KAFKA_(?:SSL|SASL)/.test(name)))
    throw new EnvError(['POSTRIDER_KAFKA_BROKERS is missing; the settings of TLS and SASL are for your own Kafka']);
  if (flags.fresh && brokers !== undefined) {
    // The keys in the data folder would go, and what is sealed under them on the cluster would stay.
    throw new TypeError(
      '--fresh does not remove topics from your own Kafka: to begin anew there, set POSTRIDER_TOPIC_PREFIX to another prefix and POSTRIDER_DATA_DIR to another folder',
    );
  }
  const ownKafka = brokers === undefined ? undefined : kafkaSettings({ ...kafka, brokers });
  const dataDir = resolve(root, values.dataDir);
  return { ...values, ...flags, ownKafka, dataDir, isDefaultDataDir: dataDir === resolve(root, '.postrider') };
}

/** What is wrong is told before Kafka is started; the services read the file themselves. */
function checkPools(file: Buffer | undefined): void {
  if (file !== undefined) parsePools(file.toString('utf8'), () => '');
}

/** Whether the command line asks for help. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

function readFlags(args: readonly string[]): { fresh: boolean; exitAfterStory: boolean } {
  const options = { fresh: { type: 'boolean' }, 'exit-after-story': { type: 'boolean' } } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return { fresh: values.fresh ?? false, exitAfterStory: values['exit-after-story'] ?? false };
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ', 1);
    throw new TypeError(`${sentence}; "npm start -- --help" shows what is known`, { cause: error });
  }
}
