import { hostname } from 'node:os';
import { startOwnerServer, type Answers, type QuestionsConfig } from './owner-server.ts';
import type { Clock } from '@postrider/core';
import type { Logger } from '@postrider/runtime';
import type { DispatcherConfig } from '../config.ts';

/** Where questions come in; it knows its address before there is anything to answer from. */
export interface Desk {
  /** Where others reach it, `host:port`; empty: it does not exist. */
  readonly address: string;
  /** Answers from now on. */
  answer(answers: Answers): void;
}

/** Opens the desk that the configuration asks for; `stack` closes it. */
export async function openDesk(
  { questions, processId, kek }: Pick<DispatcherConfig, 'questions' | 'processId' | 'kek'>,
  { clock, log, stack }: { readonly clock: Clock; readonly log: Logger; readonly stack: AsyncDisposableStack },
): Promise<Desk> {
  let answers: Answers | null = null;
  const answer = (given: Answers): void => {
    answers = given;
  };
  if (questions === undefined) return { address: '', answer };
  const { host, port } = questions;
  const server = stack.use(await startOwnerServer(() => answers, { host, port, processId, kek, clock, log }));
  return { address: addressOf(questions, server.port), answer };
}

/** Where others reach what listens here on `port`. */
export function addressOf({ host, address }: QuestionsConfig, port: number): string {
  if (/^(?:[^:]+|\[.*\]):\d+$/.test(address)) return address;
  const everywhere = host === '0.0.0.0' || host === '::';
  const plain = address !== '' ? address : everywhere ? hostname() : host;
  return plain.includes(':') && !plain.startsWith('[') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
