import { posix } from 'node:path';
import type { Finding, RepoFile } from './repo-files.ts';
import { isProse, lineAt } from './repo-files.ts';

const top = '(?:packages|services|deploy|test|docs|proto|\\.ci)';
// A path begins at one of the top folders and ends before what cannot be in a path. `…` and `<name>` mark placeholders.
const pathPattern = new RegExp(`(?<![\\w./@-])${top}/[\\w./*{},@<>…-]*`, 'g');
const linkPattern = /\]\(([^)\s]+)\)/g;

/**
 * Paths that prose names and that are not there: in code spans and blocks, in running text, and in relative links.
 * `{a,b}` stands for each, `*` for any name, `**` for any path; a path with `…` or `<…>` is a pattern and not checked.
 */
export function missingPaths(files: readonly RepoFile[], paths: readonly string[]): Finding[] {
  const known = new Set(paths.flatMap((path) => [path, ...folders(path)]));
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!isProse(path)) continue;
    for (const { name, index } of [...mentions(text), ...links(path, text)]) {
      for (const wanted of expand(name)) {
        if (exists(wanted, known)) continue;
        findings.push({ path, line: lineAt(text, index), problem: `names ${wanted}, which does not exist` });
      }
    }
  }
  return findings;
}

interface Mention {
  readonly name: string;
  readonly index: number;
}

function mentions(text: string): Mention[] {
  return [...text.matchAll(pathPattern)]
    .map((match) => ({ name: match[0].replace(/[.,]+$/, '').replace(/\/$/, ''), index: match.index }))
    .filter(({ name }) => !/[…<>]/.test(name));
}

function links(path: string, text: string): Mention[] {
  return [...text.matchAll(linkPattern)]
    .map((match) => ({ target: (match[1] ?? '').replace(/#.*$/, ''), index: match.index }))
    .filter(({ target }) => target !== '' && !/^[a-z]+:/.test(target))
    .map(({ target, index }) => ({
      name: posix.normalize(posix.join(posix.dirname(path), target)).replace(/\/$/, ''),
      index,
    }));
}

function folders(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** `a/{b,c}.ts` → `a/b.ts`, `a/c.ts`. */
export function expand(name: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/.exec(name);
  if (match === null) return [name];
  return (match[2] ?? '').split(',').flatMap((choice) => expand(`${match[1]}${choice}${match[3]}`));
}

function exists(name: string, known: ReadonlySet<string>): boolean {
  if (!name.includes('*')) return known.has(name);
  const escaped = name.replace(/[.+^$()|[\]\\{}]/g, '\\$&');
  const pattern = new RegExp(`^${escaped.replaceAll('**', '\0').replaceAll('*', '[^/]*').replaceAll('\0', '.*')}$`);
  return [...known].some((path) => pattern.test(path));
}

const quotedTest = /`([\w./-]+\.ts)`\s+“([^”]+)”/g;

/** Tests that prose quotes, as `path.ts` followed by the title in “”, and that the file does not hold. */
export function missingTests(files: readonly RepoFile[]): Finding[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (!isProse(path)) continue;
    for (const match of text.matchAll(quotedTest)) {
      const [, file = '', title = ''] = match;
      if (texts.get(file)?.includes(title.replace(/\s+/g, ' ')) === true) continue;
      findings.push({
        path,
        line: lineAt(text, match.index),
        problem: `quotes a test “${title}” that ${file} does not hold`,
      });
    }
  }
  return findings;
}
