import type { Problem } from './local-kafka-error.ts';

/** How a broker process ended, as the operating system told it. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Log lines that decide, most telling first: a full disk also makes other errors, and those would mislead. */
const tellingLines: readonly { readonly pattern: RegExp; readonly problem: (dataDir: string) => Problem }[] = [
  {
    // The second is how Java tells that a mapped file cannot grow.
    pattern: /No space left on device|a fault occurred in .*unsafe memory access/,
    problem: (dataDir) => ({
      code: 'DISK_SHORT',
      message: `The disk is full, so Kafka has stopped itself: free space for ${dataDir} and start again.`,
    }),
  },
  {
    pattern: /Failed to acquire lock on file/,
    problem: (dataDir) => ({
      code: 'DATA_LOCKED',
      message: `Another Kafka is already running on ${dataDir}: stop it, or use another data directory.`,
    }),
  },
  {
    pattern: /Address already in use/,
    problem: () => ({
      code: 'PORT_TAKEN',
      message: 'A port that Kafka was to listen on has just been taken by another program: start again.',
    }),
  },
  {
    pattern: /OutOfMemoryError/,
    problem: () => ({
      code: 'HEAP_EXHAUSTED',
      message: 'Kafka ran out of heap: give it more (heapMiB), or use fewer partitions.',
    }),
  },
  {
    pattern: /Could not reserve enough space|Cannot allocate memory|insufficient memory/,
    problem: () => ({
      code: 'MEMORY_SHORT',
      message: 'There is not enough free memory for the Java process of Kafka: close something and start again.',
    }),
  },
  {
    pattern: /UnsupportedClassVersionError/,
    problem: () => ({ code: 'JAVA_TOO_OLD', message: `Java is too old for Kafka: ${getJava}.` }),
  },
  {
    pattern: /Invalid cluster\.id|InconsistentClusterId|Stored node id|doesn't match stored/,
    problem: (dataDir) => ({
      code: 'DATA_FOREIGN',
      message: `The data in ${dataDir} belongs to another Kafka cluster: use another data directory or remove it.`,
    }),
  },
  {
    pattern: /Permission denied|AccessDeniedException|Read-only file system/,
    problem: (dataDir) => ({
      code: 'DATA_UNUSABLE',
      message: `Kafka may not write to ${dataDir}: check its owner and mode.`,
    }),
  },
];

/** How to get what a local Kafka needs, on the system that the README names. */
export const getJava = 'install Java 17 or newer, for example with: apt-get install openjdk-17-jre-headless';

/**
 * Says in one sentence why a broker ended, from how it ended and what it logged last. Knows the causes that a user can
 * do something about; of any other it shows the first error line.
 */
export function diagnose(ending: Ending, lines: readonly string[], dataDir: string): Problem {
  for (const { pattern, problem } of tellingLines) {
    const line = lines.find((each) => pattern.test(each));
    if (line !== undefined) return withLine(problem(dataDir), line);
  }
  const how = ending.signal === null ? `with exit code ${ending.code}` : `by ${ending.signal}`;
  const error = lines.find((line) => /\b(?:ERROR|FATAL|Error|Exception)\b/.test(line)) ?? lines.at(-1);
  const hint =
    ending.signal === 'SIGKILL' && error === undefined ? ' (if nobody did it, the system was out of memory)' : '';
  return withLine({ code: 'BROKER_EXITED', message: `Kafka ended ${how}${hint}.` }, error);
}

function withLine(problem: Problem, line: string | undefined): Problem {
  return line === undefined ? problem : { ...problem, message: `${problem.message} It said: ${line.trim()}` };
}
