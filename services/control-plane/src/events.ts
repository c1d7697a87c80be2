import { status } from '@grpc/grpc-js';
import type { ConfigProblem } from '@postrider/config-view';
import type { Logger, Metrics } from '@postrider/runtime';
import type { CertificateCounts } from './certificate-watch.ts';
import type { AuditEvents } from './audit/audit-events.ts';
import type { JwtEvents } from './jwt/key-source.ts';
import type { OperationEvents } from './operations/operation-events.ts';
import type { TlsEvents } from './tls/tls-events.ts';
import { accessRule, type MethodName } from '@postrider/core';
import { createAuditEvents } from './audit/audit-events.ts';
import { createJwtEvents } from './jwt/jwt-events.ts';
import { createOperationEvents } from './operations/operation-events.ts';
import { createTlsEvents } from './tls/tls-events.ts';

/** One finished call. */
export interface FinishedCall {
  readonly method: MethodName;
  /** The resource's name; empty when the call names none. */
  readonly resource: string;
  /** Who called; empty when that is not known. */
  readonly actor: string;
  readonly code: status;
  readonly durationMs: number;
  /** What a fault of our own was, for the log only. */
  readonly fault?: unknown;
}

/** Acknowledged; not what an event may be; known not to be written; perhaps written. */
export type PublishOutcome = 'published' | 'refused' | 'failed' | 'unknown';

/** What happens in the control plane, each told once as metric and log line. */
export interface ControlPlaneEvents extends TlsEvents, AuditEvents, JwtEvents, OperationEvents {
  callFinished(call: FinishedCall): void;
  configProblem(problem: ConfigProblem): void;
  /** What became of events that were to be published, and of how many. */
  eventsPublished(outcome: PublishOutcome, count: number): void;
  /** Endpoints' URLs are judged by another policy from now on. */
  policyChanged(): void;
  /** The policy file cannot be used: the policy before it stays. */
  policyUnusable(problem: string): void;
  /** This replica takes changes from now on. */
  ledBegun(): void;
  ledEnded(why: string): void;
  /** No replica that knows what this one knows takes changes any more, until a person has decided. */
  readOnly(why: string): void;
  /** The client certificate of an endpoint ends within a fortnight, or has ended. */
  certificateEnds(endpoint: string, endsAt: Date, state: 'ending' | 'ended'): void;
  /** A key management service did not open or seal a data key. */
  keyTrouble(kekId: string, error: unknown): void;
  /** Data keys were sealed anew under the primary key-encryption key; so many are still to be. */
  keysRewrapped(count: number, left: number): void;
  /** How many certificates do, as of now. */
  certificatesLookedAt(counts: CertificateCounts): void;
}

const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Events that go to this log, and to these metrics when there are any. */
export function createEvents(log: Logger, metrics: Metrics | undefined): ControlPlaneEvents {
  const calls = metrics?.counter('postrider_api_calls', 'API calls, by method and gRPC status', ['method', 'code']);
  const durations = metrics?.histogram('postrider_api_call_seconds', 'Duration of API calls', durationBounds, [
    'method',
  ]);
  const published = metrics?.counter('postrider_published_events', 'Events of the API, by what became of them', [
    'outcome',
  ]);
  const problems = metrics?.counter('postrider_config_problems', 'Configuration records without effect, by cause', [
    'code',
  ]);
  let certificates: CertificateCounts = { ending: 0, ended: 0 };
  metrics?.gauge('postrider_client_certificates', 'Client certificates of endpoints that end soon, or have', () => [
    [{ state: 'ending' }, certificates.ending],
    [{ state: 'ended' }, certificates.ended],
  ]);
  let leading = false;
  let isReadOnly = false;
  metrics?.gauge('postrider_config_leader', 'Whether this replica takes changes', () => [[{}, leading ? 1 : 0]]);
  metrics?.gauge('postrider_config_read_only', 'Whether changes are refused until a person has decided', () => [
    [{}, isReadOnly ? 1 : 0],
  ]);
  return {
    ...createTlsEvents(log, metrics),
    ...createAuditEvents(log, metrics),
    ...createJwtEvents(log, metrics),
    ...createOperationEvents(log, metrics),
    ledBegun() {
      leading = true;
      isReadOnly = false;
      log.info({}, 'leader.begun: this replica takes changes');
    },
    ledEnded(why) {
      leading = false;
      log.info({ why }, 'leader.ended: this replica takes no changes any more');
    },
    readOnly(why) {
      leading = false;
      isReadOnly = true;
      log.error({ why }, 'config.read-only');
    },
    callFinished({ method, resource, actor, code, durationMs, fault }) {
      const name = status[code];
      calls?.with({ method, code: name }).add();
      durations?.with({ method }).record(durationMs / 1_000);
      const fields = { method, resource, actor, code: name, durationMs: Math.round(durationMs) };
      if (code === status.INTERNAL)
        return log.error({ ...fields, error: fault }, 'api.call failed by a fault of our own');
      // Changes are the audit; of reads, events and refusals there can be many.
      const effect = accessRule(method)?.effect;
      const changed = code === status.OK && effect !== 'read' && effect !== 'publish';
      if (changed) log.info(fields, 'api.call');
      else log.debug(fields, 'api.call');
    },
    configProblem: ({ code }) => problems?.with({ code }).add(),
    eventsPublished: (outcome, count) => published?.with({ outcome }).add(count),
    policyChanged: () => log.info({}, 'egress.policy-changed'),
    certificateEnds(endpoint, endsAt, state) {
      const fields = { endpoint, endsAt: endsAt.toISOString() };
      if (state === 'ending') log.warn(fields, 'endpoint.client-certificate-ending');
      else log.error(fields, 'endpoint.client-certificate-ended');
    },
    certificatesLookedAt: (counts) => void (certificates = counts),
    keyTrouble: (key, error) => log.error({ key, error }, 'key.unavailable: a data key cannot be opened or sealed now'),
    keysRewrapped: (count, left) => log.info({ count, left }, 'keys.rewrapped'),
    policyUnusable: (problem) => log.error({ problem }, 'egress.policy-unusable: the policy before it stays'),
  };
}
