/** Exit codes that scripts can trust. */
export const exitCodes = {
  ok: 0,
  /** The request was understood and refused, or what was checked is not as it should be. */
  failed: 1,
  /** The command line is wrong; nothing was sent. */
  usage: 2,
  /** The server or Kafka does not answer. */
  unreachable: 3,
  /** What was named does not exist. */
  notFound: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A failure that a person can act on: one sentence or a few lines, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
