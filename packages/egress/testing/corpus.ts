import corpus from '../testdata/ssrf-corpus.json' with { type: 'json' };
import { parsePolicy, type AddressPolicy, type PolicyOptions } from '../src/index.ts';

/** One case of the corpus: something that a tenant, a name server or an endpoint does, and what must come of it. */
export interface CorpusRow {
  readonly id: string;
  readonly kind: 'url' | 'dns' | 'redirect' | 'connect' | 'proxy';
  readonly class: string;
  readonly expect: string;
  readonly reason: string;
  /** Of `url`: the URL. */
  readonly input?: string;
  /** Of `dns`: a name, and what name servers say of it, the same each time or time after time. */
  readonly host?: string;
  readonly answers?: readonly string[];
  readonly answers_by_lookup?: readonly (readonly string[])[];
  readonly rcode?: string;
  /** Of `redirect`: what the endpoint answers. */
  readonly status?: number;
  readonly location?: string | null;
  /** Of `connect` and `proxy`. */
  readonly scenario?: string;
  /** What differs from the corpus's own policy. */
  readonly policy?: PolicyOptions;
}

export const corpusRows = corpus.cases as readonly CorpusRow[];

/** URLs of the rows that do not say one themselves; all others are about a host with this name. */
const urlsOfScenarios: Readonly<Record<string, string>> = {
  literal_host_bypasses_lookup: 'http://[::]/',
  socket_path_option_from_config: 'http+unix://%2Fvar%2Frun%2Fpostrider.sock/hook',
  sni_and_cert_name: 'https://hook.example.com/',
  cert_for_other_name: 'https://hook.example.com/',
  h2_connection_coalescing: 'https://hook.example.com/',
};
export const corpusHost = 'hook.example.com';

/** What differs from the corpus's policy, for rows whose scenario needs a range of the operator. */
const policiesOfScenarios: Readonly<Record<string, PolicyOptions>> = {
  connect_to_own_pod_or_service_cidr_public_ips: { denyCidrs: ['8.8.4.0/24'] },
};

/** The row's policy as the text of a policy file: every key of the corpus's own, notes included. */
export function policyTextOf({ policy, scenario }: CorpusRow): string {
  return JSON.stringify({ ...corpus.policy_default, ...policiesOfScenarios[scenario ?? ''], ...policy });
}

export function policyOf(row: CorpusRow): AddressPolicy {
  return parsePolicy(policyTextOf(row));
}

/** The URL that an endpoint of this row has. */
export function urlOf({ input, host, scenario }: CorpusRow): string {
  return input ?? urlsOfScenarios[scenario ?? ''] ?? `http://${host ?? corpusHost}/`;
}

/** Whether its text alone must be refused: when the endpoint is written, and again by whoever is to send there. */
export function mustRefuseText(row: CorpusRow): boolean {
  return row.expect === 'reject_create' || row.scenario === 'literal_host_bypasses_lookup';
}
