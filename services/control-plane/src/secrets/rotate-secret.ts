import { openSigningSecrets } from '@postrider/config-view';
import { SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { durationMs, isPostriderError, limits, PostriderError, termsAfterRotation } from '@postrider/core';
import { currentEndpoint, putChanged } from '../endpoint-methods.ts';
import { checkEtag } from '../etag.ts';
import { parseEndpointName } from '../names.ts';
import { found, rejectViolations } from '../reject.ts';
import { isNewSecret, newSigningSecret, sealForRecord } from '../signing-secret.ts';
import { checkKnown, checkRequestId, createViolations } from '../validate-common.ts';
import { endOf, shownSecret } from './secret-resource.ts';
import type { EndpointConfig, EndpointSecret } from '@postrider/contract/postrider/v1/config';
import type { Duration } from '@postrider/contract/google/protobuf/duration';
import type { RotateSecretRequest, Secret } from '@postrider/contract/postrider/v1/secret_service';
import type { RandomBytes, SealingKey } from '@postrider/core';
import type { Method, ServiceContext } from '../call.ts';
import type { NewSecret } from '../signing-secret.ts';
import type { Violations } from '../validate-common.ts';

export function rotateSecret(context: ServiceContext): Method<RotateSecretRequest, Secret> {
  const { writer, random, dataKeys } = context;
  return async (request, caller) => {
    const { name, requestId } = request;
    const { tenant: tenantId } = parseEndpointName(name, 'name');
    const violations = createViolations();
    checkRequestId(violations, requestId);
    checkKnown(violations, 'scheme', request.scheme);
    const overlapMs = overlapOf(request.overlap, violations);
    rejectViolations(violations.list);
    await dataKeys.prepare(context.view.snapshot().tenant(tenantId));
    return writer.change(caller.actor, (change) => {
      const { snapshot, now } = change;
      const { config, endpoint } = currentEndpoint(snapshot, name);
      const repeated = config.secrets.find((one) => requestId !== '' && one.createRequestId === requestId);
      if (repeated !== undefined) return shownSecret(name, repeated, now.getTime());
      checkEtag(request.etag, endpoint);
      const dataKey = dataKeys.of(found(snapshot.tenant(tenantId), name));
      const made = newSecretFor(config, request, dataKey, random);
      const staying = secretsThatStay(config, now.getTime(), overlapMs);
      rejectDamaged(config, staying, dataKey);
      const sealed = sealForRecord(made, tenantId, dataKey, now, random, requestId);
      const secrets = [...staying, sealed];
      putChanged(
        change,
        { ...config, secrets },
        { ...endpoint, signing: { scheme: made.scheme }, publicKey: made.publicKey },
      );
      return { ...shownSecret(name, sealed, now.getTime()), value: made.printed.reveal() };
    });
  };
}

function overlapOf(overlap: Duration | undefined, violations: Violations): number {
  if (overlap === undefined) return limits.secretOverlapDefaultMs;
  const ms = durationMs(overlap);
  if (ms >= 0 && ms <= limits.secretOverlapMaxMs) return ms;
  violations.add('overlap', `must be between 0 seconds and ${limits.secretOverlapMaxMs / 86_400_000} days`);
  return 0;
}

/** What the endpoint's secrets are until the new one stands alone. */
function secretsThatStay({ secrets }: EndpointConfig, nowMs: number, overlapMs: number): EndpointSecret[] {
  const terms = secrets.map((secret) => ({ id: secret.id, endsAt: endOf(secret) }));
  const ends = new Map(termsAfterRotation(terms, nowMs, overlapMs).map(({ id, endsAt }) => [id, endsAt]));
  return secrets.flatMap((secret) => {
    const endsAt = ends.get(secret.id);
    return endsAt === undefined ? [] : [{ ...secret, expireTime: endsAt === null ? undefined : new Date(endsAt) }];
  });
}

/** Nothing is signed at an endpoint while one of its secrets does not open: whoever gives it another one must let that go. */
function rejectDamaged(config: EndpointConfig, staying: readonly EndpointSecret[], dataKey: SealingKey): void {
  const damaged = staying.find((one) => openedSecret(config, one, dataKey) === null);
  if (damaged === undefined) return;
  const text = `the secret ${damaged.id} cannot be opened, so nothing is signed as long as it stays: rotate with an overlap of 0`;
  throw new PostriderError('failed_precondition', text);
}

/** What a secret is, whether it has ended or not; null: it does not open. */
function openedSecret(config: EndpointConfig, secret: EndpointSecret, dataKey: SealingKey): string | null {
  try {
    const [opened] = openSigningSecrets({ ...config, secrets: [{ ...secret, expireTime: undefined }] }, dataKey, 0);
    return opened?.secret.reveal() ?? null;
  } catch (error) {
    if (isPostriderError(error, 'secret_unreadable')) return null;
    throw error;
  }
}

function newSecretFor(
  config: EndpointConfig,
  { secret: given, scheme: asked }: RotateSecretRequest,
  dataKey: SealingKey,
  random: RandomBytes,
): NewSecret {
  const own = config.endpoint?.signing?.scheme ?? SignatureScheme.UNSPECIFIED;
  const printedFor = given.startsWith('whsk_') ? SignatureScheme.STANDARD_V1A : SignatureScheme.STANDARD_V1;
  const otherwise = given === '' ? own : printedFor;
  const scheme = asked === SignatureScheme.UNSPECIFIED ? otherwise : asked;
  const made = newSigningSecret({ given, field: 'secret', scheme, schemeField: 'scheme' }, random);
  if (!isNewSecret(made)) {
    rejectViolations(made);
    throw new PostriderError('internal', 'a signing secret could not be made');
  }
  // Whoever has the old one would have the new one, too.
  const has = config.secrets.some((one) => openedSecret(config, one, dataKey) === made.printed.reveal());
  if (has) rejectViolations([{ field: 'secret', description: 'is one that the endpoint has already' }]);
  return made;
}
