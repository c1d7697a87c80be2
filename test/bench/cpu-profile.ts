/** The parts of a `.cpuprofile` that self times are made of. Times in monotonic microseconds. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly startTime: number;
  /** Node id of each sample. */
  readonly samples: readonly number[];
  /** Microseconds from one sample to the next. */
  readonly timeDeltas: readonly number[];
}

/** Time that was spent in a function itself, or in a module's functions. */
export interface SelfTime {
  readonly name: string;
  readonly us: number;
}

export interface ProfileSummary {
  /** Everything but idle time. */
  readonly busyUs: number;
  /** Most expensive first; `function file:line`. */
  readonly functions: readonly SelfTime[];
  /** The same by package, service, dependency or part of Node. */
  readonly modules: readonly SelfTime[];
}

/** Sums up self times of the main thread between two moments; `root` is cut off from file names. */
export function summarizeProfile(profile: CpuProfile, from: number, to: number, root: string): ProfileSummary {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const modules = new Map<string, number>();
  let busyUs = 0;
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    at += profile.timeDeltas[index] ?? 0;
    const frame = frames.get(id);
    // A sample stands for the time until the next one.
    const us = profile.timeDeltas[index + 1] ?? 0;
    if (frame === undefined || at < from || at >= to || frame.functionName === '(idle)') return;
    const file = fileOf(frame.url, root);
    const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
    busyUs += us;
    add(functions, file === '' ? name : `${name} ${file}:${frame.lineNumber + 1}`, us);
    add(modules, file === '' ? name : moduleOf(file), us);
  });
  return { busyUs, functions: sorted(functions), modules: sorted(modules) };
}

/** The first lines of a summary, each with its part of the busy time and its microseconds per delivery. */
export function profileLines(times: readonly SelfTime[], busyUs: number, deliveries: number, count: number): string[] {
  return times.slice(0, count).map(({ name, us }) => {
    const part = `${((us / busyUs) * 100).toFixed(1)} %`.padStart(7);
    return `${part} ${(us / deliveries).toFixed(2).padStart(7)} µs  ${name}`;
  });
}

function fileOf(url: string, root: string): string {
  const path = url.startsWith('file://') ? decodeURIComponent(url.slice('file://'.length)) : url;
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

function moduleOf(file: string): string {
  const dependency = /(?:^|.*\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  if (dependency !== undefined) return dependency;
  return /^((?:packages|services)\/[^/]+)\//.exec(file)?.[1] ?? file;
}

function add(sums: Map<string, number>, name: string, us: number): void {
  sums.set(name, (sums.get(name) ?? 0) + us);
}

function sorted(sums: ReadonlyMap<string, number>): SelfTime[] {
  return [...sums].map(([name, us]) => ({ name, us })).toSorted((a, b) => b.us - a.us);
}
