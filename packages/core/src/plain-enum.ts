/** Kinds of enum values that people are shown. */
export type PlainEnumKind =
  | 'OUTCOME'
  | 'DEAD_REASON'
  | 'QUARANTINE_REASON'
  | 'ENDPOINT_STATE'
  | 'SUBSCRIPTION_STATE'
  | 'EVENT_TYPE_STATE'
  | 'WAIT_REASON'
  | 'LANE_GATE'
  | 'DELIVERY_STAGE'
  | 'CANCEL_REASON'
  | 'VERIFICATION_MODE'
  | 'SIGNATURE_SCHEME'
  | 'SECRET_STATE'
  | 'KEY_ENCRYPTION_KEY_STATE'
  | 'AUDIT_ACTION'
  | 'EGRESS_ADDRESS_STATE'
  | 'PENDING_POLICY'
  | 'ATTEMPT_BODY_POLICY'
  | 'TLS_VERSION';

/** An enum value as people read it, without its kind: `OUTCOME_TIMED_OUT` is `timed-out`. */
export function plainEnum(value: string, kind: PlainEnumKind): string {
  const rest = value.startsWith(`${kind}_`) ? value.slice(kind.length + 1) : value;
  return rest.toLowerCase().replaceAll('_', '-');
}
