import { metrics as globalMetrics, type Attributes, type Meter } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';

/** Label values of one series. Values come from short fixed lists (an outcome, a pool), never from ids or input. */
export type Labels<L extends string = string> = Readonly<Record<L, string>>;

/** One series of a counter. `add` is a plain addition: cheap enough for every delivery. */
export interface Counter {
  add(count?: number): void;
}

/** One series of a histogram. */
export interface Histogram {
  record(value: number): void;
}

/** A metric with labels: `with` gives the series of some label values, always the same object for the same values. */
export interface Family<S, L extends string> {
  with(labels: Labels<L>): S;
}

/** What a gauge shows at the moment it is asked: one value, or one for each set of labels. */
export type GaugeReading = number | Iterable<readonly [Labels, number]>;

export interface Metrics {
  /** A sum that only grows; `_total` is added to the name when it is shown. */
  counter<const L extends string>(name: string, help: string, labels?: readonly L[]): Family<Counter, L>;
  /** A distribution over the given upper bounds, in the unit the name ends with (`_seconds`, `_bytes`). */
  histogram<const L extends string>(
    name: string,
    help: string,
    bounds: readonly number[],
    labels?: readonly L[],
  ): Family<Histogram, L>;
  /** A value read when somebody asks; `read` must be quick and must not throw. */
  gauge(name: string, help: string, read: () => GaugeReading): void;
  /** Everything in the Prometheus text format. */
  text(): Promise<string>;
}

/** Series a metric may have. What comes after shares one series whose labels all say `other`. */
const seriesMax = 200;

/**
 * Makes the metrics of a process. They are always there to be read as text; with telemetry configured (see
 * `telemetry.ts`) they are exported there as well, through the global meter provider.
 */
export function createMetrics(): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const own = new MeterProvider({ readers: [reader] });
  const meters = [own.getMeter('postrider'), globalMetrics.getMeter('postrider')];
  return {
    counter: (name, help) => counterFamily(meters, name, help),
    histogram: (name, help, bounds) => histogramFamily(meters, name, help, bounds),
    gauge(name, help, read) {
      for (const meter of meters) {
        meter.createObservableGauge(name, { description: help }).addCallback((result) => {
          const reading = read();
          if (typeof reading === 'number') return result.observe(reading);
          for (const [labels, value] of reading) result.observe(value, labels);
        });
      }
    },
    async text() {
      const { resourceMetrics } = await reader.collect();
      return serializer.serialize(resourceMetrics);
    },
  };
}

function counterFamily<L extends string>(meters: Meter[], name: string, help: string): Family<Counter, L> {
  const series = seriesOf<Counter & { readonly attributes: Attributes; total: number }, L>((attributes) => ({
    attributes,
    total: 0,
    add(count = 1) {
      this.total += count;
    },
  }));
  for (const meter of meters) {
    meter.createObservableCounter(name, { description: help }).addCallback((result) => {
      for (const one of series.all()) result.observe(one.total, one.attributes);
    });
  }
  return series;
}

function histogramFamily<L extends string>(
  meters: Meter[],
  name: string,
  help: string,
  bounds: readonly number[],
): Family<Histogram, L> {
  const advice = { explicitBucketBoundaries: [...bounds] };
  const instruments = meters.map((meter) => meter.createHistogram(name, { description: help, advice }));
  return seriesOf<Histogram, L>((attributes) => ({
    record(value) {
      for (const instrument of instruments) instrument.record(value, attributes);
    },
  }));
}

function seriesOf<S, L extends string>(create: (attributes: Attributes) => S) {
  const byLabels = new Map<string, S>();
  return {
    all: () => byLabels.values(),
    with(labels: Labels<L>): S {
      let attributes: Record<string, string> = labels;
      let key = JSON.stringify(labels);
      if (!byLabels.has(key) && byLabels.size >= seriesMax) {
        attributes = Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']));
        key = JSON.stringify(attributes);
      }
      let found = byLabels.get(key);
      if (found === undefined) byLabels.set(key, (found = create(attributes)));
      return found;
    },
  };
}
