import { readFileSync } from 'node:fs';
import type { ServiceProcess } from './service-process.ts';

/** All that a running process tells whoever asks it or looks at it, by where: its output, its pages, and its entry in the process table. */
export async function processPlaces(service: ServiceProcess): Promise<Map<string, Buffer>> {
  const { name, healthUrl, pid } = service;
  const page = async (path: string): Promise<[string, Buffer]> => [
    `${name} ${path}`,
    Buffer.from(await (await fetch(`${healthUrl}${path}`)).arrayBuffer()),
  ];
  return new Map([
    [`${name} output`, Buffer.from(service.log)],
    [`${name} command line`, readFileSync(`/proc/${pid}/cmdline`)],
    [`${name} environment`, readFileSync(`/proc/${pid}/environ`)],
    ...(await Promise.all(['/metrics', '/readyz', '/livez'].map(page))),
  ]);
}
