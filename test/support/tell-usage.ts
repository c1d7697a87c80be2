/** Tells how a command is used: who asked for it, on the output; who called it wrongly, behind the problem, with exit code 2. */
export function tellUsage(problem: string | null, usage: string): void {
  if (problem === null) process.stdout.write(usage);
  else process.stderr.write(`${problem}\n\n${usage}`);
  process.exitCode = problem === null ? 0 : 2;
}
