import { PostriderError } from '@postrider/core';
import type { Principal } from './api-key.ts';

/** Role of keys that may do everything. */
export const ADMIN_ROLE = 'admin';

/** Which role each method asks for. What is not named here may be called by no one. */
const roleOfMethod = {
  CreateTenant: ADMIN_ROLE,
  GetTenant: ADMIN_ROLE,
  ListTenants: ADMIN_ROLE,
  UpdateTenant: ADMIN_ROLE,
  DeleteTenant: ADMIN_ROLE,
  CreateEndpoint: ADMIN_ROLE,
  GetEndpoint: ADMIN_ROLE,
  ListEndpoints: ADMIN_ROLE,
  UpdateEndpoint: ADMIN_ROLE,
  DeleteEndpoint: ADMIN_ROLE,
  EnableEndpoint: ADMIN_ROLE,
  DisableEndpoint: ADMIN_ROLE,
  CreateSubscription: ADMIN_ROLE,
  GetSubscription: ADMIN_ROLE,
  ListSubscriptions: ADMIN_ROLE,
  UpdateSubscription: ADMIN_ROLE,
  DeleteSubscription: ADMIN_ROLE,
  PauseDeliveries: ADMIN_ROLE,
  ResumeDeliveries: ADMIN_ROLE,
  ListPauses: ADMIN_ROLE,
  GetEndpointBacklog: ADMIN_ROLE,
  ExplainDelivery: ADMIN_ROLE,
  SkipDelivery: ADMIN_ROLE,
  MoveDelivery: ADMIN_ROLE,
  ListDispatchers: ADMIN_ROLE,
  DrainDispatcher: ADMIN_ROLE,
  UndrainDispatcher: ADMIN_ROLE,
} as const;

export type MethodName = keyof typeof roleOfMethod;

/**
 * Lets pass who may call a method. A key bound to one tenant may call nothing yet: no method looks at its tenant.
 * @throws PostriderError `permission_denied`
 */
export function authorize(method: MethodName, { role, tenant }: Principal): void {
  const wanted = Object.hasOwn(roleOfMethod, method) ? roleOfMethod[method] : undefined;
  if (wanted !== undefined && role === wanted && tenant === '') return;
  throw new PostriderError('permission_denied', `this API key may not call ${method}`);
}
