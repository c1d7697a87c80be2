import type { Finding, RepoFile } from './repo-files.ts';
import { isGenerated, lineAt } from './repo-files.ts';

/** A word that the glossary has another word for. */
interface BannedWord {
  readonly pattern: RegExp;
  /** What to write, and why. */
  readonly instead: string;
}

// Short on purpose: only words that have been taken for one of ours and mean something else, or nothing.
const bannedWords: readonly BannedWord[] = [
  // The operating system may be named; our three bounds each have a name of their own.
  {
    pattern: /\b[Ww]indow(?:ed|ing)?\b|\bwindows\b|[a-z]Window|\bwindow[A-Z_]|\bWINDOW/g,
    instead: 'concurrency limit, offset range or retry span',
  },
  {
    pattern: /\b(?:web)?hook[ -]?(?:messages?|calls?|jobs?)\b/gi,
    instead: 'delivery, or attempt for one HTTP request',
  },
  { pattern: /\bdelivery (?:message|job|task)s?\b/gi, instead: 'delivery' },
  {
    pattern: /\bDLQs?\b|\bdead[ -]?letter[ -](?:queue|topic)s?\b/gi,
    instead: 'dead letter (of the topic dead-letters)',
  },
  { pattern: /\bretry[ -](?:queue|topic|bucket|level)s?\b/gi, instead: 'retry tier' },
  { pattern: /\bcircuit[ -]?breakers?\b/gi, instead: 'breaker' },
];

/** What no file of the project names: folders of one machine, notes that are not part of it, hosts of one registry. */
const bannedPlaces: readonly BannedWord[] = [
  { pattern: /\/(?:work|root|home\/[a-z]+|Users\/[A-Za-z]+)\//g, instead: 'a path inside the repository' },
  {
    pattern: /\b(?:design|style)\.md\b|\bshared\/[a-z]|\bresearch\/[a-z-]+\.(?:md|mjs)\b/g,
    instead: 'docs/architecture.md, docs/adr/, or the reason itself',
  },
  { pattern: /\bregistry\.(?!npmjs\.org)[a-z0-9.-]+\.[a-z]{2,}/g, instead: 'no registry host' },
];

/** Files that name the banned words because they are about them. */
const aboutWords = new Set(['test/repo/words.ts', 'test/repo/words.test.ts']);

/** Words that the glossary has other words for. */
export function foreignWords(files: readonly RepoFile[]): Finding[] {
  return scan(files, bannedWords, 'says');
}

/** Places outside the project that a reader of the project cannot visit. */
export function foreignPlaces(files: readonly RepoFile[]): Finding[] {
  return [
    ...scan(files, bannedPlaces, 'names'),
    ...scan(
      files.filter(({ path }) => path.endsWith('.md')),
      [{ pattern: /\/tmp\//g, instead: 'a path inside the repository' }],
      'names',
    ),
  ];
}

/** Notes to nobody: what is left to do has an owner, `TODO(name): …`, or an issue, or is done. */
export function ownerlessNotes(files: readonly RepoFile[]): Finding[] {
  return scan(
    files,
    [{ pattern: /\b(?:TODO|FIXME|XXX|HACK)\b(?!\([a-z][\w.-]*\): )/g, instead: 'TODO(owner): …, or do it' }],
    'says',
  );
}

function scan(files: readonly RepoFile[], words: readonly BannedWord[], verb: string): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    if (isGenerated(path) || aboutWords.has(path) || path === 'LICENSE') continue;
    for (const { pattern, instead } of words) {
      for (const match of text.matchAll(pattern)) {
        findings.push({ path, line: lineAt(text, match.index), problem: `${verb} "${match[0]}"; write ${instead}` });
      }
    }
  }
  return findings;
}
