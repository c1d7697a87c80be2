/**
 * Makes sure that the chart can be installed: helm lints it, and what it renders for every file of `deploy/helm/values/`
 * is valid for Kubernetes, with settings that the services take; values that make no sense are refused. Part of `npm run check`, or by itself:
 *
 *   node deploy/helm/check.ts
 *
 * Needs `helm` and `kubectl-validate`, which Go installs in about two minutes each:
 *
 *   go install helm.sh/helm/v3/cmd/helm@latest
 *   go install sigs.k8s.io/kubectl-validate@latest
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { StepResult } from '../../test/repo/steps.ts';
import { portProblems } from '../../test/repo/deployed-ports.ts';
import { settingProblems, settingsOfManifests } from '../../test/repo/deployed-settings.ts';
import { command, printLine, runSteps } from '../../test/repo/steps.ts';

/** The newest version whose schemas kubectl-validate carries with it; others it would have to fetch. */
const kubernetes = '1.30';

/** Values that the schema must refuse, each with what the refusal must name. */
export const refusedValues: readonly { readonly set: readonly string[]; readonly named: string }[] = [
  { set: ['kafka.brokers={}'], named: 'brokers' },
  { set: ['kafka.brokers={kafka}'], named: 'brokers' },
  { set: ['kafka.brokers={kafka:9092}', 'kafka.partitons=12'], named: 'partitons' },
  { set: ['kafka.brokers={kafka:9092}', 'kafka.partitions=0'], named: 'partitions' },
  { set: ['kafka.brokers={kafka:9092}', 'kafka.sasl.mechanism=plain'], named: 'sasl' },
  {
    set: ['kafka.brokers={kafka:9092}', 'dispatcher.terminationGracePeriodSeconds=30'],
    named: 'terminationGracePeriod',
  },
  { set: ['kafka.brokers={kafka:9092}', 'logLevel=loud'], named: 'logLevel' },
  { set: ['kafka.brokers={kafka:9092}'], named: 'controlPlane.plaintext=true' },
  { set: ['kafka.brokers={kafka:9092}', 'controlPlane.jwt.issuer=https://login.example.com'], named: 'jwksUrl' },
  {
    set: ['kafka.brokers={kafka:9092}', 'controlPlane.plaintext=true', 'controlPlane.tls.existingSecret=a'],
    named: 'controlPlane.plaintext',
  },
  { set: ['kafka.brokers={kafka:9092}', 'controlPlane.plaintext=true', 'ingest.enable=true'], named: 'enable' },
  {
    set: ['kafka.brokers={kafka:9092}', 'controlPlane.tls.existingSecret=a', 'controlPlane.tls.clients=required'],
    named: 'controlPlane.tls.clientCaSecret is empty',
  },
  {
    set: ['kafka.brokers={kafka:9092}', 'controlPlane.plaintext=true', 'controlPlane.tls.clientCaSecret=a'],
    named: 'controlPlane.tls.clientCaSecret is set',
  },
  {
    set: ['kafka.brokers={kafka:9092}', 'controlPlane.plaintext=true', 'kafka.ca.existingSecret=a'],
    named: 'kafka.tls is false',
  },
  { set: ['kafka.brokers={kafka:9092}', 'egress.pools.partners.kind=socks'], named: 'kind' },
  { set: ['kafka.brokers={kafka:9092}', 'egress.policy.allowLoopback=true'], named: 'allowLoopback' },
];

interface Tools {
  readonly helm: string;
  readonly validate: string;
}

/** Checks the chart; skipped where a tool is not installed. */
export async function checkChart(root: string): Promise<StepResult> {
  const helm = findTool('helm');
  const validate = findTool('kubectl-validate');
  if (helm === undefined || validate === undefined) {
    const missing = [helm ?? 'helm', validate ?? 'kubectl-validate'].filter((name) => !name.includes('/'));
    return { kind: 'skipped', reason: `${missing.join(' and ')} not installed; deploy/helm/check.ts says how` };
  }
  const folder = mkdtempSync(join(tmpdir(), 'postrider-chart-'));
  try {
    const problems = [...(await checkValues(root, { helm, validate }, folder)), ...(await checkRefusals(root, helm))];
    return problems.length === 0 ? { kind: 'passed' } : { kind: 'failed', output: problems.join('\n') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkValues(root: string, { helm, validate }: Tools, folder: string): Promise<string[]> {
  const problems: string[] = [];
  const chart = 'deploy/helm/postrider';
  for (const file of readdirSync(join(root, 'deploy/helm/values'))) {
    const values = `deploy/helm/values/${file}`;
    const linted = await command(root, helm, ['lint', chart, '--strict', '--values', values]);
    if (linted.code !== 0) problems.push(`helm lint, ${values}:\n${linted.output}`);
    const rendered = await render(root, helm, ['--values', values]);
    if (rendered.code !== 0) {
      problems.push(`helm template, ${values}:\n${rendered.output}`);
      continue;
    }
    const settings = await settingProblems(root, settingsOfManifests(rendered.output));
    problems.push(...settings.map((problem) => `${values} renders settings that a service refuses: ${problem}`));
    const ports = portProblems(rendered.output);
    problems.push(...ports.map((problem) => `${values} renders ports that do not fit: ${problem}`));
    const manifests = join(folder, file);
    writeFileSync(manifests, withoutOperators(rendered.output));
    // No cluster is asked, whatever the machine is connected to.
    const judged = await command(root, 'env', ['KUBECONFIG=/dev/null', validate, '--version', kubernetes, manifests]);
    if (judged.code !== 0) problems.push(`kubectl-validate, ${values}:\n${judged.output}`);
  }
  return problems;
}

/** What Kubernetes itself knows: the schemas of operators' own kinds are not carried along. */
function withoutOperators(manifests: string): string {
  const documents = manifests.split(/^---$/m);
  return documents.filter((document) => !/^apiVersion: monitoring\.coreos\.com\//m.test(document)).join('---');
}

async function checkRefusals(root: string, helm: string): Promise<string[]> {
  const problems: string[] = [];
  for (const { set, named } of refusedValues) {
    const { code, output } = await render(root, helm, ['--set', set.join(',')]);
    if (code === 0) problems.push(`the chart takes ${set.join(', ')}`);
    else if (!output.includes(named))
      problems.push(`the refusal of ${set.join(', ')} does not name ${named}:\n${output}`);
  }
  return problems;
}

/** Renders the chart as an installation called `postrider` would. */
async function render(root: string, helm: string, values: readonly string[]): ReturnType<typeof command> {
  return command(root, helm, [
    'template',
    'postrider',
    'deploy/helm/postrider',
    '--kube-version',
    `${kubernetes}.0`,
    ...values,
  ]);
}

/** Looks on the PATH, and where `go install` puts things, which many PATHs do not name. */
function findTool(name: string): string | undefined {
  const go = [process.env['GOBIN'] ?? '', join(process.env['GOPATH'] ?? join(homedir(), 'go'), 'bin')];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...go];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '../..');
  const passed = await runSteps([{ name: 'chart', run: () => checkChart(root) }], printLine, () => performance.now());
  if (!passed) process.exitCode = 1;
}
