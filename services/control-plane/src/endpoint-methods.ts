import { configKey } from '@postrider/config-view';
import { Endpoint, EndpointState, SignatureScheme } from '@postrider/contract/postrider/v1/endpoint';
import { derivedUid, newUid, PostriderError } from '@postrider/core';
import { checkSameRequest, createdBy, ofRequest } from './create-request.ts';
import { chosenPart, endpointMaskRules, shownEndpoint } from './endpoint-resource.ts';
import { asTenantAsks, needsProof, proofChange, stateAfter } from './endpoint-proof.ts';
import { givesSecrets, sealedCredentials, splitSecrets } from './endpoint-secrets.ts';
import { checkEtag } from './etag.ts';
import { applyMask } from './field-mask.ts';
import { isGivenUp } from './egress/announced.ts';
import { isSame, sizeOf } from './messages.ts';
import { ANY, endpointName, parseEndpointName, parseTenantName, resourceIdProblem } from './names.ts';
import { endpointFields } from './lists/filter-fields.ts';
import { endpointCreateTimes } from './lists/create-times.ts';
import { readListQuery } from './lists/list-query.ts';
import { forgetPause } from './pause-methods.ts';
import { checkQuota } from './quotas.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from './reject.ts';
import { isNewSecret, newSigningSecret, sealForRecord } from './signing-secret.ts';
import { checkRequestId, createViolations } from './validate-common.ts';
import { validateEndpoint } from './validate-endpoint.ts';
import { endpointPoolProblems } from './validate-pools.ts';
import type { EndpointConfig, TenantConfig } from '@postrider/contract/postrider/v1/config';
import type {
  CreateEndpointRequest,
  DeleteEndpointRequest,
  GetEndpointRequest,
  ListEndpointsRequest,
  ListEndpointsResponse,
  UpdateEndpointRequest,
} from '@postrider/contract/postrider/v1/endpoint_service';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Method, ServiceContext } from './call.ts';
import type { Change } from './config-writer.ts';
import type { ProofChange } from './endpoint-proof.ts';
import type { SplitEndpoint } from './endpoint-secrets.ts';
import type { NewSecret, WantedSecret } from './signing-secret.ts';

export function createEndpoint(context: ServiceContext): Method<CreateEndpointRequest, Endpoint> {
  const { writer, view, random, clock, judgeUrl, verifier, dataKeys } = context;
  return async (request, caller) => {
    const { endpointId, requestId } = request;
    const tenantId = parseTenantName(request.parent, 'parent');
    const wanted = required(request.endpoint, 'endpoint');
    const chosen = chosenPart(wanted);
    const violations = createViolations();
    const idProblem = endpointId === '' ? null : resourceIdProblem(endpointId);
    if (idProblem !== null) violations.add('endpoint_id', idProblem);
    checkRequestId(violations, requestId);
    violations.addAll(validateEndpoint(chosen, { judgeUrl, now: new Date(clock.now()) }));
    const split = splitSecrets(chosen);
    violations.addAll(split.violations);
    const secret = newSigningSecret(wantedSecret(wanted), random);
    if (!isNewSecret(secret)) violations.addAll(secret);
    rejectViolations(violations.list);
    if (!isNewSecret(secret)) throw new PostriderError('internal', 'a signing secret could not be made');
    await dataKeys.prepare(view.snapshot().tenant(tenantId));
    const created = await writer.change(caller.actor, (change) => {
      const { snapshot } = change;
      const tenant = found(snapshot.tenant(tenantId), request.parent);
      const parts = ofRequest(snapshot, tenantId, requestId);
      const uid = requestId === '' ? newUid('ep', random) : derivedUid('ep', parts);
      const repeated = createdBy(requestId, snapshot.endpoint(uid), change.knowsDeleted('endpoint', uid));
      if (repeated !== null) {
        checkSameRequest([[endpointId, repeated.endpoint?.name.split('/').at(-1) ?? '']]);
        return shownEndpoint(repeated);
      }
      rejectUnreadable(snapshot, 'endpoint', uid, request.parent);
      const name = endpointName({ tenant: tenantId, endpoint: endpointId === '' ? uid : endpointId });
      if (snapshot.endpointByName(name) !== undefined) alreadyExists(name);
      const asked = asTenantAsks(split.endpoint, tenant.tenant);
      const poolProblems = endpointPoolProblems(chosen.egressPool, tenant.tenant, context.pools, isGivenUp(change));
      rejectViolations([...poolProblems, ...asked.violations]);
      checkQuota(tenant.tenant, 'endpointsMax', snapshot.endpointCount(tenantId));
      const config = putNew(context, change, { ...split, endpoint: { ...asked.endpoint, name, uid } }, tenant, secret);
      return { ...shownEndpoint(config), signingSecret: secret.printed.reveal() };
    });
    verifier.written(created);
    return created;
  };
}

function wantedSecret({ signingSecret: given, signing }: Endpoint): WantedSecret {
  const scheme = signing?.scheme ?? SignatureScheme.UNSPECIFIED;
  return { given, field: 'endpoint.signing_secret', scheme, schemeField: 'endpoint.signing' };
}

function putNew(
  context: ServiceContext,
  { put, now }: Change,
  split: SplitEndpoint,
  tenant: TenantConfig,
  secret: NewSecret,
): EndpointConfig {
  const { dataKeys, random } = context;
  const { endpoint: chosen } = split;
  const tenantId = tenant.tenant?.name.split('/')[1] ?? '';
  const sealed = sealForRecord(secret, tenantId, dataKeys.of(tenant), now, random);
  const credentials = sealedCredentials(split, tenant, {}, context);
  const { value } = put(configKey('endpoint', chosen.uid), (revision) => {
    const owesProof = needsProof(chosen);
    const endpoint: Endpoint = {
      ...chosen,
      state: owesProof ? EndpointState.PENDING_VERIFICATION : EndpointState.ENABLED,
      signing: { scheme: secret.scheme },
      publicKey: secret.publicKey,
      createTime: now,
      updateTime: now,
      enableTime: owesProof ? undefined : now,
      revision,
    };
    const verificationSince = owesProof ? revision : '';
    return {
      $case: 'endpoint',
      value: { endpoint, secrets: [sealed], credentials, cancelsBelow: '', verificationSince },
    };
  });
  return value;
}

export function getEndpoint({ view }: ServiceContext): Method<GetEndpointRequest, Endpoint> {
  return ({ name }) => {
    parseEndpointName(name, 'name');
    return shownEndpoint(found(view.snapshot().endpointByName(name), name));
  };
}

export function listEndpoints({ view, paging }: ServiceContext): Method<ListEndpointsRequest, ListEndpointsResponse> {
  return (request) => {
    const { parent } = request;
    const snapshot = view.snapshot();
    const tenantId = parseTenantName(parent, 'parent');
    if (tenantId !== ANY) found(snapshot.tenant(tenantId), parent);
    const { isWanted, ...query } = readListQuery(request, endpointFields);
    const all = () => (tenantId === ANY ? snapshot.endpointIds() : snapshot.endpointIdsOf(tenantId));
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListEndpoints',
        parent,
        snapshot,
        ...query,
        names: () => Array.from(all(), ({ name }) => name),
        createTimes: () => endpointCreateTimes(snapshot, all()),
        resource: (name) => {
          const config = snapshot.endpointByName(name);
          return config?.endpoint === undefined || !isWanted(config.endpoint) ? undefined : shownEndpoint(config);
        },
        bytes: (endpoint) => sizeOf(Endpoint, endpoint),
      },
      request,
    );
    return { endpoints: [...items], nextPageToken };
  };
}

export function updateEndpoint(context: ServiceContext): Method<UpdateEndpointRequest, Endpoint> {
  const { writer, view, judgeUrl, pools, verifier, dataKeys } = context;
  return async ({ endpoint: wanted, updateMask }, caller) => {
    const given = required(wanted, 'endpoint');
    const { name } = given;
    const { tenant: tenantId } = parseEndpointName(name, 'endpoint.name');
    if (givesSecrets(given)) await dataKeys.prepare(view.snapshot().tenant(tenantId));
    const written = await writer.change(caller.actor, (change) => {
      const { config, endpoint } = currentEndpoint(change.snapshot, name);
      checkEtag(given.etag, endpoint);
      const violations = createViolations();
      if ((updateMask ?? []).length === 0 || updateMask?.includes('*') === true) checkKept(violations, endpoint, given);
      const masked = applyMask(endpointMaskRules, endpoint, given, updateMask);
      if ('violations' in masked) violations.addAll(masked.violations);
      const tenant = found(change.snapshot.tenant(tenantId), name);
      const asked = asTenantAsks('next' in masked ? masked.next : endpoint, tenant.tenant, endpoint);
      violations.addAll(asked.violations);
      const next = asked.endpoint;
      violations.addAll(validateEndpoint(next, { judgeUrl, now: change.now, before: config }));
      const split = splitSecrets(next, config);
      violations.addAll(split.violations);
      // A pool that the installation has given up since keeps nobody from changing other things.
      if (next.egressPool !== endpoint.egressPool) {
        violations.addAll(endpointPoolProblems(next.egressPool, tenant.tenant, pools, isGivenUp(change)));
      }
      rejectViolations(violations.list);
      if (split.given.size === 0 && isSame(Endpoint, endpoint, split.endpoint)) return shownEndpoint(config);
      const credentials = sealedCredentials(split, tenant, config.credentials, context);
      const proof = proofChange(endpoint, split.endpoint);
      return putChanged(change, { ...config, credentials }, split.endpoint, { proof });
    });
    verifier.written(written);
    return written;
  };
}

/** What cannot be changed may be sent back as it was read, but a wish for something else is not passed over in silence. */
function checkKept(violations: ReturnType<typeof createViolations>, endpoint: Endpoint, given: Endpoint): void {
  if (given.signingSecret !== '')
    violations.add('endpoint.signing_secret', 'can only be given at creation; RotateSecret gives another one');
  if (given.signing !== undefined && given.signing.scheme !== endpoint.signing?.scheme) {
    violations.add('endpoint.signing', 'is changed by RotateSecret');
  }
}

export function deleteEndpoint({ writer }: ServiceContext): Method<DeleteEndpointRequest, Record<string, never>> {
  return ({ name, etag }, caller) => {
    parseEndpointName(name, 'name');
    return writer.change(caller.actor, (change) => {
      const { snapshot, remove } = change;
      const { endpoint } = currentEndpoint(snapshot, name);
      checkEtag(etag, endpoint);
      // Subscriptions first: a crash in between leaves an endpoint that is matched less, and never a subscription of nothing.
      for (const one of snapshot.subscriptionsOf(endpoint.uid)) remove(configKey('subscription', one.uid));
      remove(configKey('endpoint', endpoint.uid));
      forgetPause(change, `endpoints/${endpoint.uid}`);
      return {};
    });
  };
}

/**
 * Writes the next state of an endpoint; how clients see it. `cancels`: what was routed before is cancelled; `proof`: what
 * becomes of its proof that it wants events.
 */
export function putChanged(
  { put, now }: Change,
  config: EndpointConfig,
  next: Endpoint,
  { cancels = false, proof = 'keep' }: { readonly cancels?: boolean; readonly proof?: ProofChange } = {},
): Endpoint {
  const { value } = put(configKey('endpoint', next.uid), (revision) => ({
    $case: 'endpoint',
    value: {
      ...config,
      endpoint: {
        ...stateAfter(proof, next, now),
        failingSince: stillFailing(config, next),
        updateTime: now,
        revision,
      },
      cancelsBelow: cancels ? revision : config.cancelsBelow,
      verificationSince: { ask: revision, 'not-needed': '', keep: config.verificationSince }[proof],
    },
  }));
  return shownEndpoint(value);
}

/** Elsewhere, or after it was sent nothing, it is not known to fail. */
function stillFailing({ endpoint }: EndpointConfig, next: Endpoint): Date | undefined {
  return next.url === endpoint?.url && next.state === EndpointState.ENABLED ? endpoint.failingSince : undefined;
}

/** The endpoint of this name as it stands; throws `not_found`. */
export function currentEndpoint(
  snapshot: ConfigSnapshot,
  name: string,
): { readonly config: EndpointConfig; readonly endpoint: Endpoint } {
  const config = found(snapshot.endpointByName(name), name);
  const endpoint = found(config.endpoint, name);
  rejectUnreadable(snapshot, 'endpoint', endpoint.uid, name);
  return { config, endpoint };
}
