import { configKey } from '@postrider/config-view';
import { Role } from '@postrider/contract/postrider/v1/access';
import { ApiKey } from '@postrider/contract/postrider/v1/access_service';
import { ApiKeyConfig } from '@postrider/contract/postrider/v1/config';
import { derivedUid, isApiKeyId, newApiKey, newApiKeyId, roleNamed } from '@postrider/core';
import { hashApiKey } from './api-key.ts';
import { checkSameRequest, ofRequest } from './create-request.ts';
import { checkEtag, etagOf } from './etag.ts';
import { applyMask } from './field-mask.ts';
import { assertMayGrant, checkChosenId, checkMayGrant, readGrant } from './grants.ts';
import { checkLastAdmin } from './last-admin.ts';
import { isSame, sizeOf } from './messages.ts';
import { parseFlatName } from './names.ts';
import { checkQuota } from './quotas.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from './reject.ts';
import { checkDisplayName, checkRequestId, createViolations } from './validate-common.ts';
import type {
  CreateApiKeyRequest,
  DeleteApiKeyRequest,
  GetApiKeyRequest,
  ListApiKeysRequest,
  ListApiKeysResponse,
  RevokeApiKeyRequest,
  UpdateApiKeyRequest,
} from '@postrider/contract/postrider/v1/access_service';
import type { ConfigSnapshot } from '@postrider/config-view';
import type { Method, ServiceContext } from './call.ts';
import type { Change } from './config-writer.ts';
import type { MaskRules } from './field-mask.ts';
import type { Principal } from './permissions.ts';
import type { Violations } from './validate-common.ts';

const immutable = { kind: 'immutable', why: 'cannot be changed: make another key' } as const;
const maskRules: MaskRules<ApiKey> = {
  name: { kind: 'immutable', why: 'cannot be changed' },
  display_name: { kind: 'changeable', property: 'displayName' },
  role: immutable,
  tenant: immutable,
  key_string: { kind: 'output-only' },
  create_time: { kind: 'output-only' },
  update_time: { kind: 'output-only' },
  expire_time: { kind: 'changeable', property: 'expireTime' },
  revoke_time: { kind: 'output-only' },
  last_use_time: { kind: 'output-only' },
  etag: { kind: 'immutable', why: 'guards the change and is not changed by it' },
  revision: { kind: 'output-only' },
};

/** A key as clients see it: without its hash. */
export function shownApiKey(config: ApiKeyConfig): ApiKey {
  const { id, role, tenant, displayName, createTime, updateTime, expireTime, revokeTime, lastUseTime, revision } =
    config;
  const name = `apiKeys/${id}`;
  return {
    ...ApiKey.fromPartial({ name, displayName, tenant: tenant === '' ? '' : `tenants/${tenant}`, revision }),
    role: roleNamed(role) ?? Role.UNSPECIFIED,
    createTime,
    updateTime,
    expireTime,
    revokeTime,
    lastUseTime,
    etag: etagOf({ name, revision }),
  };
}

export function createApiKey({ writer, random, reach }: ServiceContext): Method<CreateApiKeyRequest, ApiKey> {
  return ({ apiKeyId, apiKey, requestId }, caller) => {
    const wanted = required(apiKey, 'api_key');
    const violations = createViolations();
    if (apiKeyId !== '' && !isApiKeyId(apiKeyId))
      violations.add('api_key_id', 'must be 4–32 characters of a–z and 0–9');
    checkChosenId(violations, 'api_key_id', apiKeyId, reach);
    checkRequestId(violations, requestId);
    const grant = readGrant(violations, 'api_key', wanted.role, wanted.tenant);
    return writer.change(caller.actor, ({ snapshot, now, knowsDeleted, put }) => {
      checkKey(violations, wanted, now);
      rejectViolations(violations.list);
      checkMayGrant(caller, grant, snapshot);
      const keys = [...snapshot.apiKeys()].filter(({ tenant }) => tenant === grant.tenant);
      const repeated = keys.find(({ createRequestId }) => requestId !== '' && createRequestId === requestId);
      if (repeated !== undefined) {
        checkSameRequest([
          [apiKeyId, repeated.id],
          [grant.role, repeated.role],
        ]);
        return shownApiKey(repeated);
      }
      const derived = derivedUid('key', ofRequest(snapshot, grant.tenant, requestId)).slice('key_'.length);
      const id = apiKeyId || (requestId === '' ? newApiKeyId(random) : derived);
      // An id tells in the audit who it was: it is never used again.
      if (snapshot.apiKey(id) !== undefined || knowsDeleted('api-key', id)) alreadyExists(`apiKeys/${id}`);
      rejectUnreadable(snapshot, 'api-key', id, `apiKeys/${id}`);
      checkQuota(snapshot.tenant(grant.tenant)?.tenant, 'apiKeysMax', keys.length);
      const secret = newApiKey(id, random);
      const { displayName, expireTime } = wanted;
      const { value } = put(configKey('api-key', id), (revision) => ({
        $case: 'apiKey',
        value: {
          ...ApiKeyConfig.fromPartial({ id, ...grant, displayName, revision, createRequestId: requestId }),
          hash: hashApiKey(secret.reveal()),
          createTime: now,
          updateTime: now,
          expireTime,
        },
      }));
      return { ...shownApiKey(value), keyString: secret.reveal() };
    });
  };
}

function checkKey(violations: Violations, { displayName, expireTime }: ApiKey, now: Date): void {
  checkDisplayName(violations, 'api_key.display_name', displayName);
  if (expireTime !== undefined && !(expireTime.getTime() > now.getTime())) {
    violations.add('api_key.expire_time', 'must be a time to come');
  }
}

export function getApiKey({ view }: ServiceContext): Method<GetApiKeyRequest, ApiKey> {
  return ({ name }) => shownApiKey(found(view.snapshot().apiKey(parseFlatName(name, 'apiKeys', 'name')), name));
}

export function listApiKeys({ view, paging }: ServiceContext): Method<ListApiKeysRequest, ListApiKeysResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListApiKeys',
        parent: '',
        snapshot,
        names: () => Array.from(snapshot.apiKeys(), ({ id }) => id),
        resource: (id) => {
          const config = snapshot.apiKey(id);
          return config === undefined ? undefined : shownApiKey(config);
        },
        bytes: (key) => sizeOf(ApiKey, key),
      },
      request,
    );
    return { apiKeys: [...items], nextPageToken };
  };
}

export function updateApiKey({ writer }: ServiceContext): Method<UpdateApiKeyRequest, ApiKey> {
  return ({ apiKey, updateMask }, caller) => {
    const given = required(apiKey, 'api_key');
    const id = parseFlatName(given.name, 'apiKeys', 'api_key.name');
    return writer.change(caller.actor, (change) => {
      const config = current(change.snapshot, id, given.name, caller);
      const before = shownApiKey(config);
      checkEtag(given.etag, before);
      const masked = applyMask(maskRules, before, given, updateMask);
      if ('violations' in masked) rejectViolations(masked.violations);
      const next = 'next' in masked ? masked.next : before;
      if (isSame(ApiKey, before, next)) return before;
      const violations = createViolations();
      // That it has expired since keeps nobody from renaming it.
      const isOtherEnd = next.expireTime?.getTime() !== before.expireTime?.getTime();
      checkKey(violations, isOtherEnd ? next : { ...next, expireTime: undefined }, change.now);
      rejectViolations(violations.list);
      return write(change, { ...config, displayName: next.displayName, expireTime: next.expireTime });
    });
  };
}

export function revokeApiKey({ writer }: ServiceContext): Method<RevokeApiKeyRequest, ApiKey> {
  return ({ name, etag, force }, caller) => {
    const id = parseFlatName(name, 'apiKeys', 'name');
    return writer.change(caller.actor, (change) => {
      const config = current(change.snapshot, id, name, caller);
      if (config.revokeTime !== undefined) return shownApiKey(config);
      checkEtag(etag, shownApiKey(config));
      checkLastAdmin(change.snapshot, change.now, { apiKey: id }, force);
      return write(change, { ...config, revokeTime: change.now });
    });
  };
}

export function deleteApiKey({ writer }: ServiceContext): Method<DeleteApiKeyRequest, Record<string, never>> {
  return ({ name, etag, force }, caller) => {
    const id = parseFlatName(name, 'apiKeys', 'name');
    return writer.change(caller.actor, (change) => {
      checkEtag(etag, shownApiKey(current(change.snapshot, id, name, caller)));
      checkLastAdmin(change.snapshot, change.now, { apiKey: id }, force);
      for (const key of recordsOfApiKey(change.snapshot, id)) change.remove(key);
      return {};
    });
  };
}

/** The keys of the records that go with an API key: what was given to it, too, for of ids whose deletion was long ago nothing is known any more. */
export function* recordsOfApiKey(snapshot: ConfigSnapshot, id: string): Generator<string> {
  for (const binding of snapshot.roleBindingsOf(`api-key/${id}`)) {
    yield configKey('role-binding', parseFlatName(binding.name, 'roleBindings', 'name'));
  }
  yield configKey('api-key', id);
}

function current(snapshot: ConfigSnapshot, id: string, name: string, { grants }: Principal): ApiKeyConfig {
  const config = found(snapshot.apiKey(id), name);
  rejectUnreadable(snapshot, 'api-key', id, name);
  assertMayGrant(grants, config);
  return config;
}

function write({ put, now }: Change, config: ApiKeyConfig): ApiKey {
  const { value } = put(configKey('api-key', config.id), (revision) => ({
    $case: 'apiKey',
    value: { ...config, updateTime: now, revision },
  }));
  return shownApiKey(value);
}
