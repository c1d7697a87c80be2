import type { NameServersState } from '@postrider/egress';
import type { CheckResult, Logger, Metrics } from '@postrider/runtime';

/** Whether names can be resolved: what a dispatcher must know to keep back what would lead nowhere. */
export type NameServers = NameServersState;

/** For requests that leave by other means than the door's. */
export const nameServersAnswer: NameServers = { isFailing: () => false, onChange: () => () => undefined };

/** For `/readyz`. */
export function namesReady(names: NameServers): CheckResult {
  if (!names.isFailing()) return { ok: true };
  return { ok: false, reason: 'no name server answers: only endpoints whose names are remembered are served' };
}

/** Tells when name servers stop to answer, and when they answer again; returns how to stop that. */
export function tellOfNames(names: NameServers, log: Logger, metrics: Metrics): () => void {
  metrics.gauge(
    'postrider_egress_names_answered',
    'Whether name servers answer (1), or deliveries wait for the names of their endpoints (0)',
    () => [[{}, names.isFailing() ? 0 : 1]],
  );
  return names.onChange(() => {
    if (names.isFailing()) log.error({}, 'egress-names.failing: deliveries whose names are not remembered wait');
    else log.info({}, 'egress-names.answered');
  });
}
