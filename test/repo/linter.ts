import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Finding } from './repo-files.ts';
import { repoRoot } from './repo-files.ts';

interface Diagnostic {
  readonly message: string;
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

/** A finding of the linter, with the rule that made it, for example `eslint(max-lines)`. */
export interface LintFinding extends Finding {
  readonly rule: string;
}

/**
 * Runs the linter over a folder with the configuration of this repository, and gives back what it found. Throws when the
 * linter itself failed, so that a broken configuration is never taken for a clean repository.
 */
export function lint(folder: string = repoRoot): LintFinding[] {
  const run = spawnSync(
    join(repoRoot, 'node_modules/.bin/oxlint'),
    ['--format', 'json', '-c', join(folder, '.oxlintrc.json')],
    {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  let answer: { diagnostics: Diagnostic[] };
  try {
    answer = JSON.parse(run.stdout) as { diagnostics: Diagnostic[] };
  } catch (error) {
    throw new Error(`the linter failed:\n${run.stdout}\n${run.stderr}`, { cause: error });
  }
  return answer.diagnostics.map(({ message, code, filename, labels }) => {
    const line = labels[0]?.span.line;
    return { path: filename, rule: code, problem: message, ...(line === undefined ? {} : { line }) };
  });
}
