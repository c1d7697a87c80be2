import { limits } from './limits.ts';

/**
 * What is known of whether an endpoint answers, or a host.
 *
 * | it is | when |
 * |---|---|
 * | `unanswered` | requests were made since its last answer, the first of them a quarter of a second ago or more |
 * | `unknown` | else, and it has never answered, or a request has waited in vain since |
 * | `answers` | else |
 *
 * So whoever lets a request wait in vain is `unanswered` until it answers. What is refused at once keeps nothing waiting, and
 * makes it `unknown` at most. All times are of one clock, in ms, which never goes back.
 */
export interface Answering {
  says(now: number): 'answers' | 'unknown' | 'unanswered';
  /** So many requests were made since its last answer, the first of them a quarter of a second ago or more. */
  isQuiet(now: number, requests: number): boolean;
  /** How long it has been asked without any answer (ms). */
  quietMs(now: number): number;
  /** A request starts. */
  asked(now: number): void;
  /** A request was answered, whatever the answer says. */
  answered(): void;
  /** A request that nobody answered ended after so long (ms). */
  unanswered(waitedMs: number): void;
  /** A request ended for a reason that is not its endpoint's. */
  notAsked(): void;
}

/** Nothing is known. */
export function createAnswering(): Answering {
  return new Heard();
}

class Heard implements Answering {
  #answers = false;
  /** Requests since the last answer, and when the first of them started. */
  #asked = 0;
  #askedAt = 0;

  says(now: number): 'answers' | 'unknown' | 'unanswered' {
    if (this.isQuiet(now, 1)) return 'unanswered';
    return this.#answers ? 'answers' : 'unknown';
  }

  isQuiet(now: number, requests: number): boolean {
    return this.#asked >= requests && this.quietMs(now) >= limits.unansweredQuietMs;
  }

  quietMs(now: number): number {
    return this.#asked === 0 ? 0 : now - this.#askedAt;
  }

  asked(now: number): void {
    if (this.#asked === 0) this.#askedAt = now;
    this.#asked += 1;
  }

  answered(): void {
    this.#answers = true;
    this.#asked = 0;
  }

  unanswered(waitedMs: number): void {
    if (waitedMs < limits.unansweredAfterMs) this.#asked = 0;
    else this.#answers = false;
  }

  notAsked(): void {
    this.#asked = 0;
  }
}
