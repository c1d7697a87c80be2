import { WaitReason } from '@postrider/contract/postrider/v1/delivery';
import type { EndpointBacklog } from '@postrider/contract/postrider/v1/delivery_service';
import type { Drain } from '@postrider/contract/postrider/v1/drain';
import type { Pause } from '@postrider/contract/postrider/v1/pause';

/** Why something waits, as the end of a sentence. */
const whyWords: Readonly<Record<WaitReason, string>> = {
  [WaitReason.UNSPECIFIED]: 'for a reason that is not known',
  [WaitReason.RETRY]: 'for the time of the next attempt',
  [WaitReason.LANE_FULL]: 'for a turn: the endpoint is sent as much at once as it takes',
  [WaitReason.RATE_LIMITED]: 'because the endpoint asked for a pause, or its rate is used up',
  [WaitReason.BREAKER_OPEN]: 'because the endpoint fails: it is asked now and then by one request',
  [WaitReason.ORDER]: 'for what stands before in the same order',
  [WaitReason.PAUSED]: 'because a person has paused deliveries',
  [WaitReason.DISABLED]: 'until the endpoint is enabled, or its configuration changes after an answer of 410',
  [WaitReason.CONFIG]: 'for a configuration that is not read yet, or cannot be used',
  [WaitReason.GUARD]: 'for a request to end',
  [WaitReason.WAY_OUT]:
    'because nothing can leave from the egress pool, the host’s name cannot be resolved, or the tenant’s key cannot be opened',
  [WaitReason.UNRECOGNIZED]: 'for a reason that this version does not know',
};

/** "It waits …" */
export function waitWords(reason: WaitReason): string {
  return `It waits ${whyWords[reason]}.`;
}

/** Who paused it, since when and why; empty when nobody did. */
export function pauseWords(pauses: readonly Pause[]): string {
  return pauses
    .map(({ name, actor, reason, createTime, expireTime }) => {
      const until = expireTime === undefined ? 'until it is resumed' : `until ${expireTime.toISOString()}`;
      return ` ${name} is paused ${until}, since ${createTime?.toISOString() ?? 'a while'}, by ${actor}: ${reason}.`;
    })
    .join('');
}

/** Why a process owns nothing. */
export function drainWords({ actor, reason, createTime }: Drain): string {
  return `drained by ${actor} since ${createTime?.toISOString() ?? 'a while'}: ${reason}`;
}

/** A backlog in a few sentences. */
export function backlogWords(
  backlog: Pick<EndpointBacklog, 'waiting' | 'queued' | 'inFlight' | 'reasons' | 'loading' | 'pauses'>,
): string {
  const { waiting, queued, inFlight, reasons, loading, pauses } = backlog;
  const open = waiting + queued;
  const counts = `${open === 0n ? 'Nothing waits' : `${waiting} wait, ${queued} are queued`}; ${inFlight} in flight.`;
  const why = reasons
    .toSorted((a, b) => Number(b.count - a.count))
    .map(({ reason, count }) => ` ${count} wait ${whyWords[reason]}.`)
    .join('');
  const more = loading ? ' Its partition was taken over a moment ago: more may be found.' : '';
  return `${counts}${why}${pauseWords(pauses)}${more}`;
}

/** Which of a backlog keep the others waiting until a person skips them; empty when there are none. */
export function stoppingWords(keys: readonly string[]): string {
  if (keys.length === 0) return '';
  const more = keys.length > 3 ? ', …' : '';
  return ` ${keys.length} given up, which stop their order and wait for a person: ${keys.slice(0, 3).join(', ')}${more}.`;
}
