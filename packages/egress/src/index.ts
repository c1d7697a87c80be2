export { createPolicy, type AddressPolicy, type PolicyOptions } from './policy.ts';
export { judgeUrl, type UrlReason, type UrlVerdict } from './url-rule.ts';
