export { parseAddress, receiverBlock } from './address.ts';
export { checkUrl, type CheckedUrl } from './check-url.ts';
export { defaultLimits, type EgressLimits } from './limits.ts';
export { createPolicy, type AddressPolicy, type PolicyOptions } from './policy.ts';
export {
  overlaps,
  parseSourceRange,
  withheldBecause,
  type AnnouncedRange,
  type AnnouncedRanges,
  type SourceRange,
} from './pools/announced.ts';
export { parsePools, type AddressChoice, type PoolDefinition, type PoolDefinitions } from './pools/definition.ts';
export { DEFAULT_POOL, poolOf, poolResourceName } from './pools/name.ts';
export type { PoolState } from './pools/pool.ts';
export { targetOf, type EgressRequest, type OAuthClient } from './request.ts';
export { readPolicy, watchPolicy, type LivePolicy, type PolicySwitches } from './policy-file.ts';
export { parsePolicy } from './policy-text.ts';
export type { NameServersState } from './name-outage.ts';
export { createNames } from './names.ts';
export { askNameServers, type Resolve } from './resolve.ts';
export type {
  EgressFailure,
  EgressFailureCode,
  EgressResponse,
  EgressResult,
  EgressTimings,
  FailureOwner,
} from './result.ts';
export { createEgress, type Egress, type EgressOptions } from './send.ts';
export type { AwaitTokenTurn, TokenTurn } from './token-send.ts';
export { tlsIdentity, type TlsIdentity, type TlsSettings } from './tls-identity.ts';
export { judgeUrl, type UrlReason, type UrlVerdict } from './url-rule.ts';
