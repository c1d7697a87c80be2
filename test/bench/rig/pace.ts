import { runDispatch } from '../dispatch-run.ts';
import { runRawLoop, type RawRun } from '../raw-loop.ts';
import { startSink } from '../sink.ts';
import type { DispatchOptions } from '../options.ts';
import type { Stage } from './stage.ts';

/** What a load is taken from. */
export interface Pace {
  /** Deliveries a second that a load asks for. */
  readonly perSecond: number;
  /** What a dispatcher reached with nothing else to do; null: the pace was given. */
  readonly dispatchPerSecond: number | null;
}

/** Of what a dispatcher can do. */
const LOAD_FRACTION = 0.6;
const SECONDS = { least: 4, most: 20 };
/** A dispatcher that shares its cores with Kafka is slower than the raw loop by more than this. */
const RATE_BOUND_FRACTION = 0.75;
const IN_FLIGHT = 128;

export interface PaceOptions {
  /** 0: to be measured. */
  readonly rate: number;
  readonly seconds: number;
  readonly endpoints: number;
  readonly body: number;
}

/** 60 % of what a dispatcher reaches on this machine now, or what is asked for. */
export async function paceOf(stage: Stage, options: PaceOptions): Promise<Pace> {
  if (options.rate > 0) return { perSecond: options.rate, dispatchPerSecond: null };
  const { port: kafka, bootstrapServers, brokerPid, directory, say } = stage;
  const dispatch: DispatchOptions = {
    seconds: Math.min(SECONDS.most, Math.max(SECONDS.least, Math.round(options.seconds / 3))),
    ...{ endpoints: Math.min(options.endpoints, 1_000), bodyBytes: options.body, inFlight: IN_FLIGHT },
    ...{ logLevel: 'info', profile: false, record: false },
  };
  await using sink = await startSink();
  const raw = await runRawLoop(sink, { ...dispatch, seconds: Math.ceil(dispatch.seconds / 2) });
  const rateBound = perSecondOf(raw) * RATE_BOUND_FRACTION;
  const run = await runDispatch({
    ...{ ...dispatch, kafka, bootstrapServers, brokerPid, directory, say, sink, rateBound },
  });
  const dispatchPerSecond = Math.round(run.attempts / (run.wallUs / 1e6));
  const perSecond = Math.round(dispatchPerSecond * LOAD_FRACTION);
  say(`A dispatcher reaches ${dispatchPerSecond} deliveries a second here: the load is ${perSecond} a second`);
  return { perSecond, dispatchPerSecond };
}

/** Requests a second of a raw loop. */
export function perSecondOf({ requests, wallUs }: Pick<RawRun, 'requests' | 'wallUs'>): number {
  return requests / (wallUs / 1e6);
}
