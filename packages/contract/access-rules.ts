import { getOption } from '@bufbuild/protobuf';
import type { DescMethod, FileRegistry } from '@bufbuild/protobuf';

/** The option of a method that says who may call it. */
export const ACCESS_OPTION = 'postrider.v1.access';
/** By their numbers in access.proto, as people write them. */
export const roleNames = ['', 'admin', 'operator', 'tenant-admin', 'tenant-viewer', 'publisher', 'secret-reader'];

/** An AccessRule of access.proto. */
export interface AccessRule {
  readonly roles: readonly number[];
  readonly effect: number;
  readonly tenant: string;
  readonly internal: boolean;
  readonly anyone: boolean;
}

/** The rule of a method; with effect 0 when it has none. */
export function accessRuleOf(registry: FileRegistry, method: DescMethod): AccessRule {
  const extension = registry.getExtension(ACCESS_OPTION);
  if (extension === undefined) throw new Error(`there is no option ${ACCESS_OPTION}`);
  return getOption(method, extension) as unknown as AccessRule;
}

/** The names of the roles that may call a method: an administrator first, who always may. None of an internal one, nor of one for anyone. */
export function rolesOf({ roles, internal, anyone }: AccessRule): string[] {
  if (internal || anyone) return [];
  return ['admin', ...roles.flatMap((role) => roleNames[role] ?? []).filter((role) => role !== 'admin')];
}
