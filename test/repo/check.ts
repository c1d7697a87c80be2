/**
 * `npm run check`: everything that can be said about the repository without a Kafka. One line per step; what a step said
 * is shown only when it failed. Ends with code 1 when a step failed. What could not be checked here is said loudly.
 */
import { checkChart } from '../../deploy/helm/check.ts';
import { breakingChanges, generatedEqualsProto } from './contract-steps.ts';
import { repoRoot } from './repo-files.ts';
import type { Step } from './steps.ts';
import { commandStep, printLine, runSteps } from './steps.ts';

const tool = (name: string) => `node_modules/.bin/${name}`;

const steps: readonly Step[] = [
  commandStep('types', repoRoot, tool('tsc'), []),
  commandStep('lint', repoRoot, tool('oxlint'), ['--deny-warnings']),
  commandStep('format', repoRoot, tool('oxfmt'), ['--check']),
  commandStep('proto lint', repoRoot, tool('buf'), ['lint']),
  { name: 'proto breaks nothing', run: () => breakingChanges(repoRoot) },
  { name: 'generated code equals proto', run: () => generatedEqualsProto(repoRoot) },
  commandStep('house rules', repoRoot, process.execPath, ['--test', '--test-reporter=spec', 'test/repo/**/*.test.ts']),
  commandStep('golden records', repoRoot, process.execPath, [
    '--test',
    '--test-reporter=spec',
    'test/golden/**/*.test.ts',
  ]),
  { name: 'chart', run: () => checkChart(repoRoot) },
];

const passed = await runSteps(steps, printLine, () => performance.now());
if (!passed) process.exitCode = 1;
