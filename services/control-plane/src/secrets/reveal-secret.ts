import { openSigningSecrets } from '@postrider/config-view';
import { PostriderError } from '@postrider/core';
import { recordReveal } from '../audit/reveal.ts';
import { found, rejectViolations } from '../reject.ts';
import { checkReason, createViolations } from '../validate-common.ts';
import { findSecret, shownSecret } from './secret-resource.ts';
import type { RevealSecretRequest, Secret } from '@postrider/contract/postrider/v1/secret_service';
import type { Method, ServiceContext } from '../call.ts';

export function revealSecret(context: ServiceContext): Method<RevealSecretRequest, Secret> {
  const { view, clock, dataKeys } = context;
  return async ({ name, reason }, caller) => {
    const violations = createViolations();
    checkReason(violations, reason);
    rejectViolations(violations.list);
    const { config, endpoint, secret } = findSecret(view.snapshot(), name);
    const tenant = found(view.snapshot().tenant(endpoint.split('/')[1] ?? ''), name);
    await dataKeys.prepare(tenant);
    // One that has ended is shown, too: whoever looks for why an old request does not verify needs it.
    const only = { ...config, secrets: [{ ...secret, expireTime: undefined }] };
    const [opened] = openSigningSecrets(only, dataKeys.of(tenant), 0);
    if (opened === undefined) throw new PostriderError('internal', `${name} could not be opened`);
    await recordReveal(context, caller, { name, reason });
    return { ...shownSecret(endpoint, secret, clock.now()), value: opened.secret.reveal() };
  };
}
