import { openSigningSecrets } from '@postrider/config-view';
import { PostriderError } from '@postrider/core';
import { found, rejectViolations } from '../reject.ts';
import { checkReason, createViolations } from '../validate-common.ts';
import { findSecret, shownSecret } from './secret-resource.ts';
import type { RevealSecretRequest, Secret } from '@postrider/contract/postrider/v1/secret_service';
import type { Method, ServiceContext } from '../call.ts';

/** A secret that is about to be shown. */
export interface Reveal {
  readonly actor: string;
  /** Name of the secret. */
  readonly resource: string;
  readonly reason: string;
}

/** Puts on record that a secret is shown; resolves when the record cannot be lost any more. */
export type RecordReveal = (reveal: Reveal) => Promise<void>;

export function revealSecret(context: ServiceContext): Method<RevealSecretRequest, Secret> {
  const { view, clock, dataKeys, recordReveal } = context;
  return async ({ name, reason }, caller) => {
    const violations = createViolations();
    checkReason(violations, reason);
    rejectViolations(violations.list);
    const { config, endpoint, secret } = findSecret(view.snapshot(), name);
    if (recordReveal === null) {
      throw new PostriderError('failed_precondition', 'no secret is shown, because there is no audit to record it in');
    }
    const tenant = found(view.snapshot().tenant(endpoint.split('/')[1] ?? ''), name);
    await dataKeys.prepare(tenant);
    // One that has ended is shown, too: whoever looks for why an old request does not verify needs it.
    const only = { ...config, secrets: [{ ...secret, expireTime: undefined }] };
    const [opened] = openSigningSecrets(only, dataKeys.of(tenant), 0);
    if (opened === undefined) throw new PostriderError('internal', `${name} could not be opened`);
    await recordReveal({ actor: caller.actor, resource: name, reason });
    return { ...shownSecret(endpoint, secret, clock.now()), value: opened.secret.reveal() };
  };
}
