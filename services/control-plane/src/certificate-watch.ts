import { clientCertificateEnd } from '@postrider/core';
import { EndpointState } from '@postrider/contract/postrider/v1/endpoint';
import { goThroughAgain, type Round } from './go-through.ts';
import { serverLimits } from './server-limits.ts';
import type { ConfigView } from '@postrider/config-view';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';
import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import type { Clock } from '@postrider/core';
import type { ControlPlaneEvents } from './events.ts';

export interface CertificateWatchOptions {
  readonly view: Pick<ConfigView, 'snapshot'>;
  readonly clock: Clock;
  readonly events: Pick<ControlPlaneEvents, 'certificateEnds' | 'certificatesLookedAt'>;
}

/** Client certificates of endpoints that end soon, and those that have ended. */
export interface CertificateCounts {
  readonly ending: number;
  readonly ended: number;
}

/** What was last seen of an endpoint's certificate. */
interface Seen {
  readonly certificate: string;
  readonly endsAt: number | null;
  /** Told of it as it stands now. */
  told: 'nothing' | 'ending' | 'ended';
}

/**
 * Looks at the client certificates of all endpoints that are not disabled, now and every hour, and tells of each that ends
 * within a fortnight, and again when it has ended: who pays for it are deliveries, and they only say so when it is too late.
 * A certificate is read once.
 */
export function watchCertificates({ view, clock, events }: CertificateWatchOptions): Disposable {
  let known = new Map<string, Seen>();

  const begin = (): Round<EndpointConfig> => {
    const next = new Map<string, Seen>();
    const counts = { ending: 0, ended: 0 };
    return {
      visit({ endpoint }) {
        const certificate = endpoint?.tls?.clientCertificatePem ?? '';
        if (endpoint === undefined || certificate === '' || endpoint.state === EndpointState.DISABLED) return;
        const before = known.get(endpoint.uid);
        const seen: Seen =
          before?.certificate === certificate
            ? before
            : { certificate, endsAt: clientCertificateEnd(certificate), told: 'nothing' };
        next.set(endpoint.uid, seen);
        judge(endpoint, seen, counts);
      },
      end() {
        known = next;
        events.certificatesLookedAt(counts);
      },
    };
  };

  function judge({ name }: Endpoint, seen: Seen, counts: { ending: number; ended: number }): void {
    const leftMs = (seen.endsAt ?? Infinity) - clock.now();
    if (leftMs > serverLimits.certificateEndsSoonMs) return;
    const state = leftMs > 0 ? 'ending' : 'ended';
    counts[state] += 1;
    if (seen.told === state) return;
    seen.told = state;
    events.certificateEnds(name, new Date(seen.endsAt ?? 0), state);
  }

  const everyMs = serverLimits.certificateLookEveryMs;
  return goThroughAgain({ clock, everyMs, all: () => view.snapshot().endpoints(), begin });
}
