import { inspect } from 'node:util';
import type { TestEvent } from 'node:test/reporters';

/** What a test file tells of itself while it runs, one JSON object a line. `end` comes last, and only from a full run. */
export type FileEvent =
  | { readonly kind: 'began' | 'ended' | 'passed' | 'skipped'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly place: string; readonly error: string }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'end' };

/**
 * The reporter (node:test, "Custom reporters") that a test file runs with. Counts what a person would count: tests, not the
 * suites around them; of a test that failed only because of its subtests, the subtests.
 */
async function* reportEvents(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const path: string[] = [];
  for await (const event of source) {
    const told = toFileEvent(event, path);
    if (told !== undefined) yield `${JSON.stringify(told)}\n`;
  }
}

function toFileEvent(event: TestEvent, path: string[]): FileEvent | undefined {
  if (event.type === 'test:summary') return { kind: 'end' };
  if (event.type === 'test:start') {
    path.length = event.data.nesting;
    path.push(event.data.name);
    return undefined;
  }
  if (event.type === 'test:dequeue') return { kind: 'began', name: labelOf(event.data) };
  if (event.type === 'test:complete') return { kind: 'ended', name: labelOf(event.data) };
  if (event.type === 'test:diagnostic' && /^(Error|Warning): /.test(event.data.message))
    return { kind: 'note', text: event.data.message };
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { details, nesting, file, line } = event.data;
  const name = [...path.slice(0, nesting), event.data.name].join(' › ');
  if (event.type === 'test:fail' && event.data.todo === undefined) {
    const { error } = event.data.details;
    if ('failureType' in error && error.failureType === 'subtestsFailed') return undefined;
    return { kind: 'failed', name, place: `${file ?? ''}:${line ?? ''}`, error: describe(error) };
  }
  if (details.type === 'suite') return undefined;
  const skipped = event.data.skip !== undefined || event.data.todo !== undefined;
  return { kind: skipped ? 'skipped' : 'passed', name };
}

/**
 * Names a running test. These events come as things happen, those of `path` in the order of the file when a test has ended;
 * so the suite of a running test is not known, but its line is.
 */
function labelOf(data: { readonly name: string; readonly line?: number }): string {
  return `${data.name} (line ${data.line ?? '?'})`;
}

/** The error itself, not node:test's wrapping of it. */
function describe(error: Error): string {
  const cause = error.cause ?? error.message;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6, breakLength: 120 });
}

// oxlint-disable-next-line import/no-default-export -- the interface of node:test asks for one
export { reportEvents as default };
