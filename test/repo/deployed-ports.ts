import { settingsOfManifests } from './deployed-settings.ts';

/** Which setting a service listens by, for each name that a container's port may have. */
const settingOf: Readonly<Record<string, string>> = {
  health: 'POSTRIDER_HEALTH_PORT',
  grpc: 'POSTRIDER_GRPC_PORT',
  'well-known': 'POSTRIDER_WELL_KNOWN_PORT',
  questions: 'POSTRIDER_QUESTIONS_PORT',
};

/**
 * What does not fit together in rendered manifests, a sentence each: a service that listens elsewhere than its pod says, or a
 * network policy that lets through to a port which no pod has. Kubernetes takes both; what is asked is never answered.
 */
export function portProblems(manifests: string): string[] {
  const documents = manifests.split(/^---$/m);
  const portsOf = new Map(documents.flatMap((document) => portsOfDeployment(document)));
  const listening = settingsOfManifests(manifests).flatMap(({ service, env }) =>
    Object.entries(settingOf).flatMap(([name, setting]) => {
      const told = portsOf.get(service)?.get(name);
      const listened = env[setting] === undefined ? undefined : Number(env[setting]);
      if (told === listened) return [];
      return [
        `${service}: its pod has the port ${name} ${told ?? '(none)'}, and ${setting} is ${listened ?? 'not set'}`,
      ];
    }),
  );
  const policies = documents.flatMap((document) => policyProblems(document, portsOf));
  return [...listening, ...policies];
}

type Ports = ReadonlyMap<string, number>;

function portsOfDeployment(document: string): [service: string, ports: Ports][] {
  const service = serviceOf(document, 'Deployment');
  if (service === undefined) return [];
  const ports = [...document.matchAll(/- name: (\S+)\n +containerPort: (\d+)/g)];
  return [[service, new Map(ports.map(([, name = '', port]) => [name, Number(port)]))]];
}

function policyProblems(document: string, portsOf: ReadonlyMap<string, Ports>): string[] {
  const service = serviceOf(document, 'NetworkPolicy');
  if (service === undefined) return [];
  const [ingress = '', egress = ''] = document.split(/^ {2}egress:/m);
  const all = [...portsOf.values()];
  const unknownIn = namedPorts(ingress).filter((name) => portsOf.get(service)?.has(name) !== true);
  const unknownOut = namedPorts(egress).filter((name) => !all.some((ports) => ports.has(name)));
  return [
    ...unknownIn.map((name) => `${service}: a network policy lets in to the port ${name}, which its pod does not have`),
    ...unknownOut.map((name) => `${service}: a network policy lets out to the port ${name}, which no pod has`),
  ];
}

function namedPorts(text: string): string[] {
  return [...text.matchAll(/^ +- port: ([a-z]\S*)$/gm)].map(([, name = '']) => name);
}

function serviceOf(document: string, kind: string): string | undefined {
  if (!new RegExp(`^kind: ${kind}$`, 'm').test(document)) return undefined;
  return /^ {2}name: \S+?-(control-plane|router|dispatcher)$/m.exec(document)?.[1];
}
