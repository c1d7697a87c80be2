import type { PlantedRule } from './index.ts';

const core = 'packages/core/src';
const dispatcher = 'services/dispatcher/src';

/** Rules of what failures move, and whose they are. */
export const failingRules: readonly PlantedRule[] = [
  {
    name: 'oneProbe',
    about: 'two requests at a time ask whether a failing endpoint works again',
    schedule: 'failing-endpoint',
    plants: [
      {
        file: `${dispatcher}/lane.ts`,
        find: 'return breaker === null || breaker.closed ? concurrency.value : 1;',
        replace: 'return breaker === null || breaker.closed ? concurrency.value : 2;',
      },
    ],
  },
  {
    name: 'breakerOpens',
    about: 'a failing endpoint is asked again as soon as there is something to send',
    schedule: 'failing-endpoint',
    plants: [
      {
        file: `${core}/breaker.ts`,
        find: 'this.openAt = now + this.#openMs * (1 + limits.breakerJitterFraction * this.#random());',
        replace: 'this.openAt = now;',
      },
    ],
  },
  {
    name: 'voteOfATenant',
    about: 'each dead endpoint has a vote, so that one tenant’s thousand make a process take itself to be cut off',
    schedule: 'thousand-dead',
    plants: [
      {
        file: `${core}/pod-judgement.ts`,
        find: 'tenants += 1;\n      votes += failing / voting;',
        replace: 'tenants += voting;\n      votes += failing;',
      },
    ],
  },
  {
    name: 'oursWhileCutOff',
    about: 'what fails while a process is cut off uses attempts',
    schedule: 'cut-off',
    plants: [
      {
        file: `${dispatcher}/reach.ts`,
        find: 'return judgement.reaches ? classified : cutOff(classified);',
        replace: 'return classified;',
      },
    ],
  },
  {
    name: 'oneASecond',
    about: 'a process that is cut off goes on to send all it has',
    schedule: 'cut-off',
    plants: [
      {
        file: `${core}/pod-judgement.ts`,
        find: 'return this.reaches || now - this.#startedAt >= limits.podAsksEveryMs;',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'retryWithoutFirsts',
    about: 'retries of a failing endpoint wait for first attempts, so that one event a day is never retried',
    schedule: 'once-a-day',
    plants: [
      {
        file: `${core}/breaker.ts`,
        find: 'const RETRIES_MIN = limits.breakerPeriodMs / limits.retryBudgetEveryMs;',
        replace: 'const RETRIES_MIN = 0;',
      },
      {
        file: `${core}/breaker.ts`,
        find: 'limits.retryBudgetFraction * this.#recent.of(FIRST, now)',
        replace: 'Math.floor(limits.retryBudgetFraction * this.#recent.of(FIRST, now))',
      },
      {
        file: `${core}/breaker.ts`,
        find: 'this.retriesFrom = exhausted ? this.#recent.lessAt(RETRY, now) : -Infinity;',
        replace: 'this.retriesFrom = exhausted ? Infinity : -Infinity;',
      },
    ],
  },
];
