import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { lookAgain, type Clock } from '@postrider/core';
import { createPolicy, type AddressPolicy, type PolicyOptions } from './policy.ts';
import { parsePolicy } from './policy-text.ts';

/** What a process is told by switches of its own. */
export interface PolicySwitches {
  readonly allowHttp: boolean;
  readonly allowLoopback: boolean;
  readonly allowCidrs: readonly string[];
  /** JSON, as `parsePolicy` reads it; what it says goes before the switches. Absent: the switches are all. */
  readonly policyFile?: string;
}

export interface PolicyWatch {
  readonly clock: Clock;
  /** The file cannot be used, told once for each cause; the policy before it stays. */
  readonly unusable: (problem: string) => void;
}

/** The policy of a process, which an operator may change while it runs. */
export interface LivePolicy extends Disposable {
  current(): AddressPolicy;
  /** Calls `listener` with each policy that takes the place of the one before it. */
  onChange(listener: (policy: AddressPolicy) => void): void;
}

/** How often the file is looked at. A mounted file is replaced without an event that every file system would tell. */
const lookEveryMs = 1_000;

/** The policy that the switches and the file make now. Throws a `RangeError`, or the file system's error. */
export function readPolicy(switches: PolicySwitches): AddressPolicy {
  const { policyFile } = switches;
  return policyOf(switches, policyFile === undefined ? null : readFileSync(policyFile, 'utf8'));
}

/** Reads the policy, and reads it again when its file changes, until disposed. Throws as `readPolicy` does. */
export function watchPolicy(switches: PolicySwitches, { clock, unusable }: PolicyWatch): LivePolicy {
  const { policyFile } = switches;
  let text = policyFile === undefined ? null : readFileSync(policyFile, 'utf8');
  let policy = policyOf(switches, text);
  const listeners: ((policy: AddressPolicy) => void)[] = [];
  const looking =
    policyFile === undefined
      ? null
      : lookAgain({
          clock,
          everyMs: lookEveryMs,
          async read() {
            const now = await readFile(policyFile, 'utf8');
            return now === text ? null : { now, policy: policyOf(switches, now) };
          },
          changed(next) {
            ({ now: text, policy } = next);
            for (const listener of listeners) listener(policy);
          },
          trouble(problem) {
            if (problem !== null) unusable(problem);
          },
        });
  return {
    current: () => policy,
    onChange: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => looking?.[Symbol.dispose](),
  };
}

function policyOf({ allowHttp, allowLoopback, allowCidrs }: PolicySwitches, text: string | null): AddressPolicy {
  const ports: PolicyOptions = allowLoopback ? { ports: 'any' } : {};
  const options = { allowHttp, allowLoopback, allowCidrs, ...ports };
  return text === null ? createPolicy(options) : parsePolicy(text, options);
}
