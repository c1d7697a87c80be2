import type { Finding, RepoFile } from './repo-files.ts';
import { isSource, isTest, lineAt } from './repo-files.ts';

const exportedFunction =
  /^export (?:async )?function\*? (\w+)|^export const (\w+)(?:: [^=\n]+)? = (?:async )?(?:<[^>\n]*>)?\(/gm;

/** Exported functions of packages that do not say what they do: no comment ends on the line above. */
export function undocumentedFunctions(files: readonly RepoFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!isSource(path) || isTest(path) || !/^packages\/[^/]+\/src\//.test(path)) continue;
    const lines = text.split('\n');
    const documented = new Set<string>();
    for (const match of text.matchAll(exportedFunction)) {
      const name = match[1] ?? match[2] ?? '';
      const line = lineAt(text, match.index);
      // Overloads share the docstring of the first.
      if (/(\*\/|^\s*\/\/.*)\s*$/.test(lines[line - 2] ?? '')) documented.add(name);
      if (documented.has(name)) continue;
      findings.push({ path, line, problem: `exports ${name} without a docstring` });
    }
  }
  return findings;
}

const sleeps = [
  /\bfrom 'node:timers\/promises'/g,
  /new Promise(?:<[^>]*>)?\(\s*\(?(\w+)\)?\s*=>\s*(?:\{\s*)?setTimeout\(\s*(?:\1\b|\(\) => \1\b)/g,
];

/** Tests that sleep: a guessed time is too short on a busy machine and too long on every other. They await a condition. */
export function sleepingTests(files: readonly RepoFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!path.endsWith('.test.ts')) continue;
    for (const pattern of sleeps) {
      for (const match of text.matchAll(pattern)) {
        findings.push({
          path,
          line: lineAt(text, match.index),
          problem: 'sleeps; await a condition or inject the clock',
        });
      }
    }
  }
  return findings;
}

const environment = /\bprocess\.env\b|import \{[^}]*\benv\b[^}]*\} from 'node:process'/g;
const readers = [
  /^services\/[^/]+\/src\/config\.ts$/,
  /^packages\/runtime\/src\/(?:env|telemetry)\.ts$/,
  /^packages\/cli\//,
  /^(?:test|deploy)\//,
  /\.test\.ts$/,
];

/** Code that reads the environment where no one would look for it. Comments may name it. */
export function hiddenSettings(files: readonly RepoFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!isSource(path) || readers.some((reader) => reader.test(path))) continue;
    for (const match of text.matchAll(environment)) {
      const line = lineAt(text, match.index);
      if (/^\s*(?:\/\/|\/?\*)/.test(text.split('\n')[line - 1] ?? '')) continue;
      findings.push({ path, line, problem: 'reads the environment; only src/config.ts of a service does' });
    }
  }
  return findings;
}
