import { reachableAddress } from '@postrider/runtime';
import { startOwnerServer, type Answers } from './owner-server.ts';
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
  { questions, processId, keys }: Pick<DispatcherConfig, 'questions' | 'processId' | 'keys'>,
  { clock, log, stack }: { readonly clock: Clock; readonly log: Logger; readonly stack: AsyncDisposableStack },
): Promise<Desk> {
  let answers: Answers | null = null;
  const answer = (given: Answers): void => {
    answers = given;
  };
  if (questions === undefined) return { address: '', answer };
  const { host, port } = questions;
  const server = stack.use(
    await startOwnerServer(() => answers, { host, port, processId, shared: keys.shared, clock, log }),
  );
  return { address: reachableAddress(questions, server.port), answer };
}
