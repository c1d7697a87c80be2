import type { Logger, Metrics } from '@postrider/runtime';

/** What happens to the certificate of the API. */
export interface TlsEvents {
  /** It is this from now on. */
  apiCertificateRenewed(endsAt: Date): void;
  /** Why its files cannot be used, while what was there before stays in use; null: they can again. */
  apiCertificateTrouble(problem: string | null): void;
  /** It ends within a fortnight, or has ended. */
  apiCertificateEnds(endsAt: Date, state: 'ending' | 'ended'): void;
  /** Another replica's clock is so far off that callers with certificates who come by it are not known here. */
  replicaClockApart(apartMs: number): void;
}

/** A part of the control plane's events. */
export function createTlsEvents(log: Logger, metrics: Metrics | undefined): TlsEvents {
  let ends: Date | null = null;
  let unusable = false;
  metrics?.gauge('postrider_api_certificate_ends_seconds', 'When the certificate of the API ends, Unix time', () =>
    ends === null ? [] : [[{}, ends.getTime() / 1_000]],
  );
  metrics?.gauge('postrider_api_certificate_unusable', 'Whether the files of its next certificate cannot be used', () =>
    ends === null ? [] : [[{}, unusable ? 1 : 0]],
  );
  const apart = metrics?.counter(
    'postrider_api_replica_clocks_apart',
    'Calls of clients with certificates that were refused because a replica’s clock is off',
    [],
  );
  return {
    apiCertificateRenewed(endsAt) {
      ends = endsAt;
      log.info({ endsAt: endsAt.toISOString() }, 'api.certificate: new connections are shown this one');
    },
    apiCertificateTrouble(problem) {
      unusable = problem !== null;
      if (problem === null) log.info({}, 'api.certificate-usable');
      else log.error({ problem }, 'api.certificate-unusable: the one before it stays');
    },
    apiCertificateEnds(endsAt, state) {
      const fields = { endsAt: endsAt.toISOString() };
      if (state === 'ending') log.warn(fields, 'api.certificate-ending');
      else log.error(fields, 'api.certificate-ended');
    },
    replicaClockApart(apartMs) {
      apart?.with({}).add();
      log.error({ apartSeconds: Math.round(apartMs / 1_000) }, 'api.replica-clock-apart: let all machines follow NTP');
    },
  };
}
