import { stripVTControlCharacters, styleText } from 'node:util';
import type { FileResult } from './run-file.ts';

const paint = (style: 'green' | 'red' | 'dim' | 'bold', text: string) =>
  styleText(style, text, { stream: process.stdout });
const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** One line for a file that has ended. */
export function fileLine(result: FileResult): string {
  const failed = result.failures.length > 0;
  const count = plural(result.passed + result.failures.length + result.skipped, 'test').padStart(9);
  const took = `${(result.durationMs / 1000).toFixed(1)} s`.padStart(7);
  return `${failed ? paint('red', 'FAIL') : paint('green', 'ok  ')} ${paint('dim', `${count} ${took}`)}  ${result.path}`;
}

/** Everything about the failures of a file: each with its place and error, then the end of what the file printed. */
export function failureDetails(result: FileResult): string {
  const parts = result.failures.map(({ name, place, error }) => {
    const head = `${paint('red', 'FAIL')} ${paint('bold', name)}${place === name ? '' : `\n     ${place}`}`;
    return `${head}\n${indent(error)}`;
  });
  const printed = stripVTControlCharacters(result.output).trim();
  if (printed !== '') parts.push(`${paint('dim', `what ${result.path} printed last:`)}\n${indent(printed)}`);
  return parts.join('\n\n');
}

/** The last line of a run, in the form that programs read: `N passed, N failed` and `, N skipped` if any. */
export function summaryLine(results: readonly FileResult[]): string {
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const failed = results.reduce((sum, result) => sum + result.failures.length, 0);
  const skipped = results.reduce((sum, result) => sum + result.skipped, 0);
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '     ');
}
