import { isTest, lineAt, type Finding, type RepoFile } from './repo-files.ts';

const page = 'docs/operations/telemetry.md';
/** How metrics are named in code, and on the page. */
const inCode = /'((?:postrider|process)_[a-z_]+)'/g;
const onPage = /`((?:postrider|process)_[a-z_]+)`/g;

/** Metrics that the page for operators leaves out, and those on it that no code has any more. */
export function metricsOutOfStep(files: readonly RepoFile[]): Finding[] {
  const text = files.find(({ path }) => path === page)?.text ?? '';
  const told = new Map([...text.matchAll(onPage)].map((match) => [match[1] ?? '', match.index]));
  const findings: Finding[] = [];
  const made = new Set<string>();
  for (const { path, text: code } of files) {
    if (!/^(?:services|packages)\/(?!contract\/)[^/]+\/src\/.*\.ts$/.test(path) || isTest(path)) continue;
    for (const match of code.matchAll(inCode)) {
      const name = match[1] ?? '';
      made.add(name);
      if (!told.has(name))
        findings.push({ path, line: lineAt(code, match.index), problem: `${name} is not in ${page}` });
    }
  }
  for (const [name, at] of told) {
    if (!made.has(name)) findings.push({ path: page, line: lineAt(text, at), problem: `no code makes ${name}` });
  }
  return findings;
}
