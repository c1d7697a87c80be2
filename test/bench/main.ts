/**
 * Benchmarks: `npm run bench -- <bench> [flags]`. Absolute figures depend on the machine; what compares is the ratio to the
 * raw loop that is measured in the same run.
 */
import { parseCommand, usage, type Command } from './options.ts';
import { tellUsage } from '../support/tell-usage.ts';

const command = parseCommand(process.argv.slice(2));
if (command.kind === 'usage') {
  tellUsage(command.problem, usage);
} else {
  // Loaded only now: usage is answered without waiting for it.
  try {
    await run(command);
  } catch (error) {
    process.stderr.write(`bench ${command.kind} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}

async function run(bench: Exclude<Command, { kind: 'usage' }>): Promise<void> {
  switch (bench.kind) {
    case 'dispatch':
      return (await import('./dispatch.ts')).benchDispatch(bench.options);
    case 'store':
      return (await import('./store.ts')).benchStore(bench.options);
    case 'takeover':
      return (await import('./takeover.ts')).benchTakeover(bench.options);
    case 'churn':
      return (await import('./churn.ts')).benchChurn(bench.options);
    case 'egress-http':
      return (await import('./egress-loops.ts')).benchEgressHttp(bench.options);
    case 'egress-tls':
      return (await import('./egress-loops.ts')).benchEgressTls(bench.options);
    case 'guard':
      return (await import('./guard.ts')).benchGuard(bench.options);
    case 'hosts':
      return (await import('./hosts.ts')).benchHosts(bench.options);
    case 'timers':
      return (await import('./timers.ts')).benchTimers(bench.options);
    case 'layers':
      return (await import('./layers.ts')).benchLayers(bench.options);
    case 'neighbour':
      return (await import('./neighbour.ts')).benchNeighbour(bench.options);
    case 'collapse':
      return (await import('./collapse.ts')).benchCollapse(bench.options);
    case 'latency':
      return (await import('./latency.ts')).benchLatency(bench.options);
    case 'noisy':
      return (await import('./noisy.ts')).benchNoisy(bench.options);
    case 'fan-out-1000':
      return (await import('./fan-out.ts')).benchFanOut(bench.options);
    case 'end-to-end':
      return (await import('./end-to-end.ts')).benchEndToEnd(bench.options);
    case 'recover':
      return (await import('./recover.ts')).benchRecover(bench.options);
    case 'memory':
      return (await import('./memory.ts')).benchMemory(bench.options);
    case 'scale':
      return (await import('./scale.ts')).benchScale(bench.options);
    case 'control-plane':
      return (await import('./control-plane.ts')).benchControlPlane(bench.options);
    case 'publish':
      return (await import('./publish/publish.ts')).benchPublish(bench.options);
    case 'config-load':
      return (await import('./config-load.ts')).benchConfigLoad(bench.options);
    case 'config-apply':
      return (await import('./config-apply.ts')).benchConfigApply(bench.options);
    case 'all':
      return (await import('./all.ts')).benchAll(bench.options);
    case 'page':
      return (await import('./performance-page.ts')).writeResults();
    case 'simulate':
      return (await import('./simulate.ts')).benchSimulate(bench.options);
  }
}
