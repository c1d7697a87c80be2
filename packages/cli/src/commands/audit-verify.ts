import { createReadStream } from 'node:fs';
import { protoJson } from '@postrider/contract/proto-json';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { InvalidArgumentError, type Command } from 'commander';
import { AuditEntry, type AuditHead } from '@postrider/contract/postrider/v1/audit';
import { VerifyAuditChainResponse } from '@postrider/contract/postrider/v1/audit_service';
import { createAuditCheck, readAuditRecord } from '@postrider/core';
import { CliError, exitCodes } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { openSession } from '../session.ts';

interface VerifyOptions {
  readonly pinned?: AuditHead;
  readonly file?: string;
}

/** `postrider audit verify` */
export function verifyCommand(parent: Command, context: CliContext): void {
  parent
    .command('verify')
    .description('Verify that no entry was altered, removed, inserted or put elsewhere; exit code 1 where one was.')
    .option('--pinned <number:hash>', 'a head that was noted before: that entry must be what it was', parsePinned)
    .option('--file <path>', 'an export instead of the installation; asks nobody')
    .addHelpText('after', '\nExample:\n  postrider audit verify')
    .action(async ({ pinned, file }: VerifyOptions, command: Command) => {
      const session = openSession(context, command);
      const result =
        file === undefined
          ? await session.withRpc(async (rpc) => {
              let last: VerifyAuditChainResponse | null = null;
              await rpc.stream(rpc.audit, rpc.audit.verifyAuditChain, { pinned }, (answer) => (last = answer));
              return last as VerifyAuditChainResponse | null;
            })
          : await verifyFile(file, pinned);
      if (result === null || !result.done) {
        throw new CliError(exitCodes.failed, 'The verification ended before the end of the chain.');
      }
      session.print(protoJson('VerifyAuditChainResponse', VerifyAuditChainResponse.encode(result)), () =>
        resultText(result),
      );
      const { broken } = result;
      if (broken === undefined) return;
      throw new CliError(
        exitCodes.failed,
        `The chain breaks where entry ${broken.sequence} should be: ${broken.reason}.`,
      );
    });
}

/** `4711:9f…`, as a verification and the log of the control plane tell it. */
function parsePinned(text: string): AuditHead {
  const [, sequence, hash] = /^([1-9][0-9]{0,17}):([0-9a-f]{64})$/i.exec(text) ?? [];
  if (sequence !== undefined && hash !== undefined)
    return { sequence: BigInt(sequence), hash: Buffer.from(hash, 'hex') };
  throw new InvalidArgumentError(
    `"${text}" is no head; write the number, a colon and the hash of 64 hexadecimal digits.`,
  );
}

function resultText({ verifiedCount, firstSequence, firstTime, head, broken }: VerifyAuditChainResponse): string {
  const count = `${verifiedCount} ${verifiedCount === 1n ? 'entry follows' : 'entries follow'} from each other`;
  if (head === undefined || firstTime === undefined) return 'There are no entries.\n';
  const from = `, from entry ${firstSequence} of ${firstTime.toISOString()} to entry ${head.sequence}.\n`;
  if (broken !== undefined) return `${count}${from}`;
  return `${count}${from}Head: ${head.sequence}:${head.hash.toString('hex')}\n`;
}

/** The same of what `audit export` has printed. What people read in it must be what its records say. */
async function verifyFile(path: string, pinned: AuditHead | undefined): Promise<VerifyAuditChainResponse> {
  const check = createAuditCheck(pinned);
  let line = 0;
  let foreign: string | null = null;
  try {
    for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      line += 1;
      if (text.trim() === '') continue;
      const { entry, record } = parsedLine(text);
      const before = check.broken;
      check.take(record, line);
      if (before !== null || check.broken !== null) break;
      const stored = readAuditRecord(record);
      if (stored === null || isDeepStrictEqual(entry, plainJson(stored))) continue;
      foreign = `line ${line} shows another entry than the one that its record holds`;
      break;
    }
  } catch (error) {
    throw new CliError(exitCodes.usage, `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  if (foreign === null) check.end();
  const { first, head, verified } = check;
  const broken = foreign === null ? check.broken : { sequence: head.sequence, offset: line, reason: foreign };
  return {
    verifiedCount: BigInt(verified),
    firstSequence: first?.sequence ?? 0n,
    firstTime: first?.time,
    head,
    broken: broken === null ? undefined : { ...broken, offset: BigInt(broken.offset) },
    done: true,
  };
}

function parsedLine(text: string): { readonly entry: unknown; readonly record: Buffer | null } {
  try {
    const { entry, record } = JSON.parse(text) as { readonly entry?: unknown; readonly record?: unknown };
    return { entry, record: typeof record === 'string' ? Buffer.from(record, 'base64') : null };
  } catch {
    // What is no line of an export is no entry: the verification says so, and where.
    return { entry: null, record: null };
  }
}

function plainJson(entry: AuditEntry): unknown {
  return JSON.parse(JSON.stringify(AuditEntry.toJSON(entry)));
}
