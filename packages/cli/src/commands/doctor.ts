import type { Command } from 'commander';
import { VERSION } from '@postrider/core';
import { systemClock } from '@postrider/runtime';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { askKafka, askPlane } from '../doctor/ask-facts.ts';
import { countOf } from '../count-of.ts';
import { findingsOf } from '../doctor/findings.ts';
import type { Finding } from '../doctor/finding.ts';
import { openSession } from '../session.ts';
import type { Asked } from '../doctor/facts.ts';

/** `postrider doctor` */
export function doctorCommand(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description(
      'Tell in plain words what is wrong with this installation, the worst first; exit code 1 for an error, 3 when nothing could be asked.',
    )
    .addHelpText('after', '\nExample:\n  postrider doctor --server localhost:8080 --brokers localhost:9092')
    .action(async (_options: object, command: Command) => {
      const session = openSession(context, command);
      const [kafka, plane] = await Promise.all([
        ifKnown(() => session.withKafka((port, prefix) => askKafka(port, prefix, systemClock))),
        ifKnown(() => session.withRpc((rpc) => askPlane(rpc, systemClock))),
      ]);
      const findings = findingsOf({ now: systemClock.now(), version: VERSION, kafka, plane });
      session.print({ findings }, () => textOf(findings));
      if (!kafka?.ok && !plane?.ok)
        throw new CliError(exitCodes.unreachable, 'Nothing could be asked: neither Kafka nor the control plane.');
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      if (errors > 0)
        throw new CliError(
          exitCodes.failed,
          `${countOf(errors, 'error')}, ${countOf(findings.length, 'finding')} in all.`,
        );
    });
}

/** Undefined when nobody has said where it is. */
async function ifKnown<T>(ask: () => Promise<Asked<T>>): Promise<Asked<T> | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CliError && error.exitCode === exitCodes.usage) return undefined;
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

function textOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing is wrong.\n';
  return findings.map(({ severity, what, action }) => `${severity.toUpperCase()}  ${what}\n  → ${action}\n`).join('\n');
}
