import {
  checkPublished,
  invalidArgument,
  isBeingDeleted,
  PostriderError,
  publishedRecord,
  webhookId,
} from '@postrider/core';
import { toStatus } from '../grpc-status.ts';
import { parseTenantName } from '../names.ts';
import { found, rejectBeingDeleted, rejectViolations } from '../reject.ts';
import { serverLimits } from '../server-limits.ts';
import { checkKnown, createViolations } from '../validate-common.ts';
import type {
  PublishEventsRequest,
  PublishEventsResponse,
  PublishResult,
} from '@postrider/contract/postrider/v1/event_service';
import type { FieldViolation, PublishedRecord } from '@postrider/core';
import type { Method, ServiceContext } from '../call.ts';
import type { ControlPlaneEvents, PublishOutcome } from '../events.ts';
import type { CheckDescribed } from './described-types.ts';
import type { Published, Publisher } from './publisher.ts';
import type { PublishRates } from './publish-rates.ts';

/** What publishing needs, for all callers together. */
export interface Publishing {
  readonly publisher: Publisher;
  readonly rates: PublishRates;
  readonly checkDescribed: CheckDescribed;
  /** Largest body, in bytes. */
  readonly bodyBytesMax: number;
  readonly events: Pick<ControlPlaneEvents, 'eventsPublished'>;
}

/** An event that is to be written, or what is wrong with it. */
type Prepared = { readonly record: PublishedRecord; readonly webhookId: string } | { readonly error: PostriderError };

export function publishEvents(context: ServiceContext): Method<PublishEventsRequest, PublishEventsResponse> {
  const begin = beginPublishing(context);
  return async (request) => ({ results: await (await begin(request)).results });
}

/** Events whose writing has begun: behind them others of the same key may be begun. */
interface Begun {
  readonly results: Promise<PublishResult[]>;
}

/** Makes what begins to publish; that throws PostriderErrors, and then nothing is published. */
export function beginPublishing({
  view,
  publishing,
}: ServiceContext): (request: PublishEventsRequest) => Promise<Begun> {
  return async (request) => {
    const { parent, events, validation } = request;
    const tenant = parseTenantName(parent, 'parent');
    rejectViolations(requestProblems(request));
    const snapshot = view.snapshot();
    const { publisher, rates, checkDescribed, bodyBytesMax, events: told } = servedHere(publishing);
    const config = found(snapshot.tenant(tenant), parent);
    if (isBeingDeleted(config)) rejectBeingDeleted(parent);
    const partitions = await publisher.partitions();
    const count = rates.admit({ name: parent, quotas: config.tenant?.quotas });
    publisher.checkRoom(events.length);
    const prepared = events.map((event, index): Prepared => {
      const wanted = { ...event, tenant };
      const record = publishedRecord(wanted, partitions);
      const checked = checkPublished(wanted, record, bodyBytesMax);
      const other = 'kind' in checked ? checkDescribed(checked, validation, snapshot) : null;
      const wrong = 'kind' in checked ? (other === null ? [] : [other]) : checked;
      if (wrong.length > 0) return { error: refused(index, wrong) };
      return { record, webhookId: webhookId(tenant, event.source, event.id) };
    });
    const published = publisher.publish(prepared.flatMap((one) => ('record' in one ? [one.record] : [])));
    // What there was no room for costs the tenant nothing.
    count(events.length);
    return {
      results: published.then((outcomes) => {
        tell(told, prepared, outcomes);
        return resultsOf(prepared, outcomes);
      }),
    };
  };
}

function servedHere(publishing: Publishing | null): Publishing {
  if (publishing !== null) return publishing;
  throw new PostriderError('unsupported', 'this replica publishes no events: POSTRIDER_ROLES does not say ingest');
}

function requestProblems({ events, validation }: PublishEventsRequest): readonly FieldViolation[] {
  const violations = createViolations();
  const most = serverLimits.publishedTogetherMax;
  if (events.length === 0 || events.length > most)
    violations.add('events', `must have 1–${most} events, not ${events.length}`);
  checkKnown(violations, 'validation', validation);
  return violations.list;
}

function refused(index: number, wrong: readonly FieldViolation[]): PostriderError {
  return invalidArgument(wrong.map(({ field, ...rest }) => ({ field: `events[${index}].${field}`, ...rest })));
}

function tell(told: Publishing['events'], prepared: readonly Prepared[], published: readonly Published[]): void {
  const counts: Record<PublishOutcome, number> = { published: 0, refused: 0, failed: 0, unknown: 0 };
  counts.refused = prepared.length - published.length;
  for (const error of published)
    counts[error === null ? 'published' : error.code === 'outcome_unknown' ? 'unknown' : 'failed'] += 1;
  for (const [outcome, count] of Object.entries(counts) as [PublishOutcome, number][])
    if (count > 0) told.eventsPublished(outcome, count);
}

function resultsOf(prepared: readonly Prepared[], published: readonly Published[]): PublishResult[] {
  let written = 0;
  return prepared.map((one) => {
    if ('error' in one) return { webhookId: '', error: toStatus(one.error) };
    const error = published[written++] ?? null;
    return { webhookId: one.webhookId, error: error === null ? undefined : toStatus(error) };
  });
}
