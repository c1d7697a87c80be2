import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dockerfile = join(import.meta.dirname, '../../deploy/docker/Dockerfile');

/** What the image sets in its services' environment: whoever measures them starts them with it. */
export const imageEnvironment: Readonly<Record<string, string>> = settingsOf(readFileSync(dockerfile, 'utf8'));

/** By `ENV NAME=value NAME=value`; of other forms there is none. */
export function settingsOf(text: string): Record<string, string> {
  const settings = [...text.matchAll(/^ENV (.+)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return Object.fromEntries(
    settings.map((setting) => {
      const [, name, value] = /^([A-Z_]+)=([\w.-]+)$/.exec(setting) ?? [];
      if (name === undefined || value === undefined)
        throw new Error(`deploy/docker/Dockerfile: ENV ${setting} is not NAME=value`);
      return [name, value];
    }),
  );
}
