import type { Receipt } from './receipt.ts';

/** What the rules say of one (event, endpoint). */
export interface Expectation {
  readonly deliveryId: string;
  readonly webhookId: string;
  /** The endpoint's path at the receiver. */
  readonly path: string;
  readonly partition: number;
  readonly bodySha256: string;
  readonly ending: 'delivered' | 'dead';
  /** Attempts that a dead letter must have used. */
  readonly attempts: number;
}

export interface DeadLetterSeen {
  readonly deliveryId: string;
  readonly attempts: number;
  readonly reason: string;
}

export interface AttemptSeen {
  readonly deliveryId: string;
  readonly number: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** The endpoint answered, whatever: it surely has seen the request. */
  readonly answered: boolean;
  /** When all that follows from it stood in the topics (the broker's time, milliseconds since the Unix epoch); Infinity: never. */
  readonly settledAt: number;
  /** Due time that the attempt's decision gave the next one; null when there is no next one. */
  readonly nextDueAt: number | null;
}

/** A process that was killed, or a partition that was taken from its owner unreleased: what may be sent again because of it. */
export interface Kill {
  readonly at: number;
  /**
   * By partition, of those that it concerns: from when on a finished delivery may be missing in the progress that the next owner adopted. Progress is
   * composed after the record before it was acknowledged, so what finished before that one is surely in.
   */
  readonly uncoveredSince: ReadonlyMap<number, number>;
}

export interface Evidence {
  readonly expected: readonly Expectation[];
  readonly receipts: readonly Receipt[];
  readonly deadLetters: readonly DeadLetterSeen[];
  readonly attempts: readonly AttemptSeen[];
  /** In the order of time. */
  readonly kills: readonly Kill[];
  /** How much later than it stands in the topics a process may hear that it does, and how far clocks may differ, in milliseconds. */
  readonly slackMs: number;
}

export interface Verdict {
  /** One sentence per broken promise, with the delivery; empty when all is well. */
  readonly problems: readonly string[];
  readonly delivered: number;
  readonly dead: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Requests that were in flight at some kill, or whose delivery was done after the last sure progress record before it. */
  readonly duplicatesAllowed: number;
}

/** Compares what receivers saw and what the topics hold with what the rules say. Pure: a test can plant any fault in its evidence. */
export function checkDeliveries(evidence: Evidence): Verdict {
  const problems: string[] = [];
  const receipts = Map.groupBy(evidence.receipts, (receipt) => `${receipt.path} ${receipt.webhookId}`);
  const dead = Map.groupBy(evidence.deadLetters, (letter) => letter.deliveryId);
  const attempts = Map.groupBy(evidence.attempts, (attempt) => attempt.deliveryId);
  const expectedKeys = new Set(evidence.expected.map(keyOf));
  const totals = { delivered: 0, dead: 0, lost: 0, duplicates: 0, duplicatesAllowed: 0 };

  for (const [key, list] of receipts)
    if (!expectedKeys.has(key)) problems.push(`phantom: ${list.length} request(s) for ${key}, which nobody asked for`);
  for (const expectation of evidence.expected) {
    const seen = receipts.get(keyOf(expectation)) ?? [];
    const letters = dead.get(expectation.deliveryId) ?? [];
    const made = attempts.get(expectation.deliveryId) ?? [];
    checkRequests(expectation, seen, made, problems);
    checkEnding(expectation, seen, letters, made, totals, problems);
    const allowed = repeatable(expectation, seen, made, evidence);
    checkDuplicates(expectation, seen, letters, allowed, totals, problems);
  }
  checkNeverEarly(evidence.attempts, problems);
  return { problems, ...totals };
}

const keyOf = (expectation: Expectation) => `${expectation.path} ${expectation.webhookId}`;
const succeeded = (receipt: Receipt) => receipt.status >= 200 && receipt.status < 300;

function checkRequests(
  expectation: Expectation,
  seen: readonly Receipt[],
  attempts: readonly AttemptSeen[],
  problems: string[],
) {
  const answered = attempts.filter((attempt) => attempt.answered).length;
  if (seen.length < answered)
    problems.push(`${keyOf(expectation)}: ${answered} attempts had an answer, but ${seen.length} requests were seen`);
  for (const receipt of seen) {
    if (receipt.signature !== 'valid') problems.push(`signature of ${keyOf(expectation)}: ${receipt.signature}`);
    if (receipt.bodySha256 !== expectation.bodySha256)
      problems.push(`body of ${keyOf(expectation)} is not what was published`);
  }
}

function checkEnding(
  expectation: Expectation,
  seen: readonly Receipt[],
  letters: readonly DeadLetterSeen[],
  attempts: readonly AttemptSeen[],
  totals: { delivered: number; dead: number; lost: number },
  problems: string[],
) {
  if (expectation.ending === 'delivered') {
    if (seen.some(succeeded)) totals.delivered += 1;
    else {
      totals.lost += 1;
      problems.push(`lost: ${keyOf(expectation)} was never delivered`);
    }
    return;
  }
  const letter = letters[0];
  if (letter === undefined) {
    totals.lost += 1;
    problems.push(`lost: ${keyOf(expectation)} is neither delivered nor a dead letter`);
    return;
  }
  totals.dead += 1;
  if (letter.attempts !== expectation.attempts)
    problems.push(`${keyOf(expectation)} died after ${letter.attempts} attempts instead of ${expectation.attempts}`);
  const made = new Set(attempts.map(({ number }) => number).filter((number) => number > 0)).size;
  if (made !== expectation.attempts)
    problems.push(`${keyOf(expectation)}: ${made} attempts are on record, ${expectation.attempts} are promised`);
}

function checkDuplicates(
  expectation: Expectation,
  requests: readonly Receipt[],
  letters: readonly DeadLetterSeen[],
  allowed: number,
  totals: { duplicates: number; duplicatesAllowed: number },
  problems: string[],
) {
  totals.duplicatesAllowed += allowed;
  const wanted =
    expectation.ending === 'delivered' ? successesAnd(requests, letters) - 1 : requests.length - expectation.attempts;
  const surplus = Math.max(0, wanted, letters.length - 1);
  totals.duplicates += surplus;
  if (surplus > allowed)
    problems.push(`duplicate: ${keyOf(expectation)} was repeated ${surplus} time(s), the kills explain ${allowed}`);
}

function successesAnd(requests: readonly Receipt[], letters: readonly DeadLetterSeen[]): number {
  return requests.filter(succeeded).length + letters.length;
}

/**
 * How many requests of a delivery may have been made once more because of a kill: those that were not settled when the
 * last sure progress before the next kill was composed. A request without a record was in flight at that kill.
 */
function repeatable(
  { partition }: Expectation,
  requests: readonly Receipt[],
  attempts: readonly AttemptSeen[],
  { kills, slackMs }: Evidence,
): number {
  const recorded = recordsOf(requests, attempts);
  return requests.filter((request) => {
    const kill = kills.find(({ at, uncoveredSince }) => uncoveredSince.has(partition) && request.at <= at + slackMs);
    if (kill === undefined) return false;
    const settled = recorded.get(request)?.settledAt ?? Infinity;
    return settled >= (kill.uncoveredSince.get(partition) as number) - slackMs;
  }).length;
}

/** The attempt that tells of each request: the last that had started when the request arrived, unless it tells of an earlier one. */
function recordsOf(requests: readonly Receipt[], attempts: readonly AttemptSeen[]): Map<Receipt, AttemptSeen> {
  const started = attempts.toSorted((a, b) => a.startedAt - b.startedAt);
  const taken = new Set<AttemptSeen>();
  const records = new Map<Receipt, AttemptSeen>();
  for (const request of requests.toSorted((a, b) => a.at - b.at)) {
    const record = started.findLast((attempt) => attempt.startedAt <= request.at);
    if (record === undefined || taken.has(record)) continue;
    taken.add(record);
    records.set(request, record);
  }
  return records;
}

function checkNeverEarly(attempts: readonly AttemptSeen[], problems: string[]) {
  for (const [deliveryId, list] of Map.groupBy(attempts, (attempt) => attempt.deliveryId))
    for (const attempt of list) {
      // Number 0 is a failure of our own: there may be several, anywhere between the others.
      const before = list.filter(
        ({ number, nextDueAt, startedAt }) =>
          number === attempt.number - 1 && nextDueAt !== null && startedAt <= attempt.startedAt,
      );
      if (before.length === 0) continue;
      const due = Math.min(...before.map((other) => other.nextDueAt ?? 0));
      if (attempt.startedAt < due)
        problems.push(
          `early: attempt ${attempt.number} of ${deliveryId} started ${due - attempt.startedAt} ms before it was due`,
        );
    }
}
