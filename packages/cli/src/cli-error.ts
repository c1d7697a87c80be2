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

/** What programs are told of a failure besides its message; what is not known is empty. */
export interface FailureReport {
  /** The name of the gRPC status. */
  readonly code: string;
  /** The API's reason, for example `QUOTA_EXCEEDED`. */
  readonly reason: string;
  /** The first field of the request that is wrong. */
  readonly field: string;
}

/** The status that stands for an exit code where the server has given none. */
const codeOf: Readonly<Record<ExitCode, string>> = {
  [exitCodes.ok]: 'OK',
  [exitCodes.failed]: 'FAILED_PRECONDITION',
  [exitCodes.usage]: 'INVALID_ARGUMENT',
  [exitCodes.unreachable]: 'UNAVAILABLE',
  [exitCodes.notFound]: 'NOT_FOUND',
};

/** A failure as one line of JSON, as `--json` prints it to standard error. */
export function failureLine(exitCode: ExitCode, message: string, report: Partial<FailureReport> = {}): string {
  const { code = codeOf[exitCode], reason = '', field = '' } = report;
  return `${JSON.stringify({ error: { code, reason, message, field } })}\n`;
}

/** Whether it says that what was named does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof CliError && error.exitCode === exitCodes.notFound;
}

/** A failure that a person can act on: one sentence or a few lines, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly report: Partial<FailureReport>;
  constructor(
    exitCode: ExitCode,
    message: string,
    { report = {}, ...options }: ErrorOptions & { readonly report?: Partial<FailureReport> } = {},
  ) {
    super(message, options);
    this.exitCode = exitCode;
    this.report = report;
  }
}
