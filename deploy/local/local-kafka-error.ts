/** Why a local Kafka cannot start, or has stopped. Stable: programs may switch on it, people read the message. */
export type LocalKafkaErrorCode =
  | 'JAVA_MISSING'
  | 'JAVA_TOO_OLD'
  | 'MAVEN_MISSING'
  | 'DOWNLOAD_FAILED'
  | 'PORT_TAKEN'
  | 'MEMORY_SHORT'
  | 'DISK_SHORT'
  | 'DATA_LOCKED'
  | 'DATA_FOREIGN'
  | 'DATA_UNUSABLE'
  | 'HEAP_EXHAUSTED'
  | 'BROKER_EXITED'
  | 'START_TIMED_OUT'
  | 'ABORTED'
  | 'DOCKER_UNUSABLE';

/** One cause and one clear sentence about it, with the way out. */
export interface Problem {
  readonly code: LocalKafkaErrorCode;
  readonly message: string;
}

/** Thrown when a local Kafka cannot be started or has stopped. `problems` holds every cause found, `code` the first. */
export class LocalKafkaError extends Error {
  readonly code: LocalKafkaErrorCode;
  readonly problems: readonly Problem[];

  constructor(problems: readonly [Problem, ...Problem[]], options?: ErrorOptions) {
    super(problems.map((problem) => problem.message).join('\n'), options);
    this.name = 'LocalKafkaError';
    this.code = problems[0].code;
    this.problems = problems;
  }
}
