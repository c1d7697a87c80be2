import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The environment of one service, as a deployment gives it. */
export interface DeployedService {
  readonly service: string;
  readonly env: Readonly<Record<string, string>>;
}

type ReadConfig = (env: Readonly<Record<string, string>>) => unknown;

/** What secrets are given in place of the real ones: of the right form, and worthless. */
const standIns: Readonly<Record<string, string>> = {
  POSTRIDER_KEK: Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 37 + 11) % 256)).toString('base64'),
  POSTRIDER_BOOTSTRAP_ADMIN_KEY: `prk_admin_${'5a'.repeat(24)}`,
  POSTRIDER_KAFKA_SASL_PASSWORD: 'stand-in for the password',
  POSTRIDER_KAFKA_SSL_CA: 'stand-in for authorities',
  POSTRIDER_KAFKA_SSL_CERT: 'stand-in for a certificate',
  POSTRIDER_KAFKA_SSL_KEY: 'stand-in for its key',
  POSTRIDER_JWT_JWKS_CA: 'stand-in for authorities',
  POSTRIDER_EGRESS_POLICY: '{"ports":[443]}',
  POSTRIDER_EGRESS_POOLS: '{"default":{"kind":"nat"}}',
  POSTRIDER_GRPC_TLS_CERT: 'stand-in for a certificate',
  POSTRIDER_GRPC_TLS_KEY: 'stand-in for its key',
  POSTRIDER_GRPC_TLS_CA: 'stand-in for authorities',
  POSTRIDER_GRPC_TLS_CLIENT_CA: 'stand-in for authorities',
  POSTRIDER_REDIS_URL: 'rediss://:stand-in@redis.example.com:6380/1',
};

const serviceNames = 'control-plane|router|dispatcher';

/** The settings of every service in rendered manifests: the data of the ConfigMaps called `<release>-<service>`. */
export function settingsOfManifests(manifests: string): DeployedService[] {
  return manifests.split(/^---$/m).flatMap((document) => {
    const service = new RegExp(`^ {2}name: \\S+-(${serviceNames})$`, 'm').exec(document)?.[1];
    if (service === undefined || !/^kind: ConfigMap$/m.test(document)) return [];
    return [{ service, env: variablesOf(document) }];
  });
}

/** The settings of every service in the compose file: its own, and the shared ones. */
export function settingsOfCompose(text: string): DeployedService[] {
  const shared = variablesOf(/^x-environment:.*\n(?:(?: .*)?\n)*/m.exec(text)?.[0] ?? '');
  const sections = text.matchAll(new RegExp(`^ {2}(${serviceNames}):\\n((?: {4}.*\\n|\\n)*)`, 'gm'));
  return [...sections].map(([, service = '', section = '']) => ({
    service,
    env: { ...shared, ...variablesOf(section) },
  }));
}

function variablesOf(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^ +(POSTRIDER_[A-Z0-9_]+): *(.*)$/gm)) {
    env[name] = value.startsWith('${') ? (standIns[name] ?? '') : value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return env;
}

/**
 * Reads each environment as the service itself will at its start, and returns what it does not like: a setting that is
 * missing, malformed, or that no such service knows. Files named by `…_FILE` are replaced by files with stand-ins.
 */
export async function settingProblems(root: string, deployed: readonly DeployedService[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-settings-'));
  try {
    const problems: string[] = [];
    for (const { service, env } of deployed) {
      try {
        const readConfig = await readerOf(root, service);
        readConfig(withStandInFiles(env, folder));
      } catch (error) {
        problems.push(`${service}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return problems;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readerOf(root: string, service: string): Promise<ReadConfig> {
  const path = join(root, 'services', service, 'src/config.ts');
  if (!existsSync(path)) throw new Error(`services/${service}/src/config.ts is not there`);
  const module = (await import(path)) as Readonly<Record<string, unknown>>;
  const found = Object.entries(module).find(
    ([name, value]) => /^read\w*Config$/.test(name) && typeof value === 'function',
  );
  if (found === undefined) throw new Error(`services/${service}/src/config.ts exports no read…Config`);
  return found[1] as ReadConfig;
}

function withStandInFiles(env: Readonly<Record<string, string>>, folder: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => {
      const standIn = standIns[name.replace(/_FILE$/, '')];
      if (!name.endsWith('_FILE') || standIn === undefined) return [name, value];
      const path = join(folder, name);
      writeFileSync(path, `${standIn}\n`);
      return [name, path];
    }),
  );
}
