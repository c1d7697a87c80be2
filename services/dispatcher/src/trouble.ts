import type { CheckResult, Logger, Metrics } from '@postrider/runtime';

/** Something of ours that many endpoints need, and that may fail for all of them at once. */
export interface Trouble {
  isFailing(): boolean;
  /** Calls back when that begins and when it is over; returns how to stop that. */
  onChange(callback: () => void): () => void;
}

/** What never fails. */
export const noTrouble: Trouble = { isFailing: () => false, onChange: () => () => undefined };

/** What a trouble is called where people look. */
export interface TroubleWords {
  readonly gauge: string;
  readonly help: string;
  /** Log lines. */
  readonly begins: string;
  readonly isOver: string;
  /** For `/readyz`. */
  readonly reason: string;
}

/** For `/readyz`. */
export function isReadyFor(trouble: Trouble, { reason }: TroubleWords): CheckResult {
  return trouble.isFailing() ? { ok: false, reason } : { ok: true };
}

/** Tells when it begins and when it is over; returns how to stop that. */
export function tellOf(trouble: Trouble, words: TroubleWords, log: Logger, metrics: Metrics): () => void {
  metrics.gauge(words.gauge, words.help, () => [[{}, trouble.isFailing() ? 0 : 1]]);
  return trouble.onChange(() => {
    if (trouble.isFailing()) log.error({}, words.begins);
    else log.info({}, words.isOver);
  });
}

/** No name can be resolved. */
export const namesTrouble: TroubleWords = {
  gauge: 'postrider_egress_names_answered',
  help: 'Whether name servers answer (1), or deliveries wait for the names of their endpoints (0)',
  begins: 'egress-names.failing: deliveries whose names are not remembered wait',
  isOver: 'egress-names.answered',
  reason: 'no name server answers: only endpoints whose names are remembered are served',
};

/** Nobody answers requests. */
export const reachTrouble: TroubleWords = {
  gauge: 'postrider_endpoints_reached',
  help: 'Whether requests reach endpoints (1), or nearly none is answered by the doing of this process (0)',
  begins:
    'egress.cut-off: nearly no endpoint answers; nothing is taken in, no attempt is used, one request a second asks',
  isOver: 'egress.reached',
  reason: 'nearly no endpoint answers: this process is cut off from them',
};
