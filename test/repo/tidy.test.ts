import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undeclaredImports, manifests, workspaceFolders, wrongLicences } from './declared.ts';
import { hiddenSettings, sleepingTests, undocumentedFunctions } from './habits.ts';
import { wrongDirections } from './imports.ts';
import { lint } from './linter.ts';
import { metricsOutOfStep } from './metrics-page.ts';
import { missingPaths, missingTests } from './named-paths.ts';
import type { Finding } from './repo-files.ts';
import { isSource, repoFiles, repoPaths, show } from './repo-files.ts';
import { foreignPlaces, foreignWords, ownerlessNotes } from './words.ts';

// A style rule is a test or it is not a rule. What each rule finds is shown to be found in the test beside its file.
const files = repoFiles();
const sources = files.filter(({ path }) => isSource(path));

function assertNone(findings: readonly Finding[]): void {
  assert.equal(findings.length, 0, `\n${show(findings)}`);
}

test('there is something to check', () => {
  assert.ok(sources.length > 50, `${sources.length} source files found`);
});

test('imports go one way: contract, core, then config-view, kafka and egress, then services', () => {
  assertNone(wrongDirections(sources, workspaceFolders(manifests(files))));
});

test('every import is declared in the nearest package.json', () => {
  assertNone(undeclaredImports(files));
});

test('a file has at most 400 lines, a function at most 70', () => {
  assertNone(lint().filter(({ rule }) => rule.includes('max-lines')));
});

test('every exported function of a package has a docstring', () => {
  assertNone(undocumentedFunctions(files));
});

test('no test sleeps', () => {
  assertNone(sleepingTests(files));
});

test("only a service's config.ts reads the environment", () => {
  assertNone(hiddenSettings(files));
});

test('one word for one thing: the glossary is kept', () => {
  assertNone(foreignWords(files));
});

test('every path named in a document exists', () => {
  assertNone(missingPaths(files, repoPaths()));
});

test('the page of metrics names each that there is, and no other', () => {
  assertNone(metricsOutOfStep(files));
});

test('every test quoted in a document exists', () => {
  assertNone(missingTests(files));
});

test('no machine path, no registry host and no document from outside the repository is named', () => {
  assertNone(foreignPlaces(files));
});

test('what is left to do has an owner', () => {
  assertNone(ownerlessNotes(files));
});

test('everything is under the Apache licence 2.0, whose text is there', () => {
  assertNone(wrongLicences(files));
  const licence = files.find(({ path }) => path === 'LICENSE')?.text ?? '';
  assert.match(licence, /Apache License\s+Version 2\.0, January 2004/);
  assert.match(licence, /END OF TERMS AND CONDITIONS/);
});
