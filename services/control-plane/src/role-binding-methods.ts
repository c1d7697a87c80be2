import { configKey } from '@postrider/config-view';
import { RoleBinding } from '@postrider/contract/postrider/v1/role_binding';
import { derivedUid, isPrincipal, newUid, PostriderError, PRINCIPAL_FORMS } from '@postrider/core';
import { grantOf } from './authenticate.ts';
import { checkSameRequest, ofRequest } from './create-request.ts';
import { checkEtag, etagOf } from './etag.ts';
import { assertMayGrant, checkChosenId, checkMayGrant, readGrant } from './grants.ts';
import { checkLastAdmin } from './last-admin.ts';
import { sizeOf } from './messages.ts';
import { parseFlatName, resourceIdProblem } from './names.ts';
import { alreadyExists, found, rejectUnreadable, rejectViolations, required } from './reject.ts';
import { serverLimits } from './server-limits.ts';
import { checkRequestId, createViolations } from './validate-common.ts';
import type {
  CreateRoleBindingRequest,
  DeleteRoleBindingRequest,
  GetRoleBindingRequest,
  ListRoleBindingsRequest,
  ListRoleBindingsResponse,
} from '@postrider/contract/postrider/v1/access_service';
import type { Method, ServiceContext } from './call.ts';

function shown(binding: RoleBinding): RoleBinding {
  return { ...binding, etag: etagOf(binding) };
}

export function createRoleBinding({
  writer,
  random,
  reach,
}: ServiceContext): Method<CreateRoleBindingRequest, RoleBinding> {
  return ({ roleBindingId, roleBinding, requestId }, caller) => {
    const { principal, role, tenant } = required(roleBinding, 'role_binding');
    const violations = createViolations();
    const idProblem = roleBindingId === '' ? null : resourceIdProblem(roleBindingId);
    if (idProblem !== null) violations.add('role_binding_id', idProblem);
    checkChosenId(violations, 'role_binding_id', roleBindingId, reach);
    checkRequestId(violations, requestId);
    if (!isPrincipal(principal)) violations.add('role_binding.principal', `must be ${PRINCIPAL_FORMS}`);
    const grant = readGrant(violations, 'role_binding', role, tenant);
    rejectViolations(violations.list);
    return writer.change(caller.actor, ({ snapshot, now, knowsDeleted, put }) => {
      checkMayGrant(caller, grant, snapshot);
      const bindings = [...snapshot.roleBindings()].filter((one) => one.tenant === tenant);
      const repeated = bindings.find(({ createRequestId }) => requestId !== '' && createRequestId === requestId);
      if (repeated !== undefined) {
        const idWanted = roleBindingId === '' ? '' : `roleBindings/${roleBindingId}`;
        checkSameRequest([
          [idWanted, repeated.name],
          [principal, repeated.principal],
          [role, repeated.role],
        ]);
        return shown(repeated);
      }
      const derived = derivedUid('rb', ofRequest(snapshot, grant.tenant, requestId));
      const id = roleBindingId || (requestId === '' ? newUid('rb', random) : derived);
      const name = `roleBindings/${id}`;
      // A repetition that comes late must not give again what was taken away since.
      if (snapshot.roleBinding(id) !== undefined || (id === derived && knowsDeleted('role-binding', id)))
        alreadyExists(name);
      rejectUnreadable(snapshot, 'role-binding', id, name);
      if (bindings.length >= serverLimits.roleBindingsPerTenantMax) {
        throw new PostriderError('limit_reached', `there are ${bindings.length} role bindings already`);
      }
      const { value } = put(configKey('role-binding', id), (revision) => ({
        $case: 'roleBinding',
        value: {
          ...RoleBinding.fromPartial({ name, principal, role, tenant, revision, createRequestId: requestId }),
          createTime: now,
        },
      }));
      return shown(value);
    });
  };
}

export function getRoleBinding({ view }: ServiceContext): Method<GetRoleBindingRequest, RoleBinding> {
  return ({ name }) => shown(found(view.snapshot().roleBinding(parseFlatName(name, 'roleBindings', 'name')), name));
}

export function listRoleBindings({
  view,
  paging,
}: ServiceContext): Method<ListRoleBindingsRequest, ListRoleBindingsResponse> {
  return (request) => {
    const snapshot = view.snapshot();
    const { items, nextPageToken } = paging.page(
      {
        method: 'ListRoleBindings',
        parent: '',
        snapshot,
        names: () => Array.from(snapshot.roleBindings(), ({ name }) => name),
        resource: (name) => {
          const binding = snapshot.roleBinding(parseFlatName(name, 'roleBindings', 'name'));
          return binding === undefined ? undefined : shown(binding);
        },
        bytes: (binding) => sizeOf(RoleBinding, binding),
      },
      request,
    );
    return { roleBindings: [...items], nextPageToken };
  };
}

export function deleteRoleBinding({ writer }: ServiceContext): Method<DeleteRoleBindingRequest, Record<string, never>> {
  return ({ name, etag, force }, caller) => {
    const id = parseFlatName(name, 'roleBindings', 'name');
    return writer.change(caller.actor, ({ snapshot, now, remove }) => {
      const binding = found(snapshot.roleBinding(id), name);
      rejectUnreadable(snapshot, 'role-binding', id, name);
      assertMayGrant(caller.grants, grantOf(binding));
      checkEtag(etag, binding);
      checkLastAdmin(snapshot, now, { roleBinding: name }, force);
      remove(configKey('role-binding', id));
      return {};
    });
  };
}
