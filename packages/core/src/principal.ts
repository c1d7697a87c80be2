import { isApiKeyId } from './api-key-text.ts';

/** Of the parts behind the slash but keys' ids: printable ASCII without spaces, as they stand in the audit too. */
const form = /^(?:(?:user|group)\/|certificate\/(?:uri|dns|cn):)[\x21-\x7e]{1,255}$/;

/** What a role binding may name, in words. */
export const PRINCIPAL_FORMS =
  'api-key/{id}, user/{subject}, group/{name}, certificate/uri:{uri}, certificate/dns:{name} or certificate/cn:{name}';

/** Whether a text has the form of a principal: who may be given roles. */
export function isPrincipal(text: string): boolean {
  return form.test(text) || (text.startsWith('api-key/') && isApiKeyId(text.slice('api-key/'.length)));
}

/** The parts of a verified client certificate that say whose it is, as Node tells them. */
export interface ClientCertificate {
  /** `URI:…, DNS:…`; a value that holds what divides them stands in quotes. */
  readonly subjectaltname?: string | undefined;
  readonly subject?: { readonly CN?: string | readonly string[] | undefined } | undefined;
  readonly valid_to: string;
}

/**
 * Who a certificate says that its holder is: `certificate/uri:` and its first URI, else `certificate/dns:` and its first DNS
 * name, else `certificate/cn:` and the common name of its subject. The kind stands in it, so that what an authority lets one
 * write into a common name is never taken for a name that it has checked. Null: it says nothing that a role binding could
 * name, or is no longer in force at `now` (ms since the Unix epoch): connections outlive certificates.
 */
export function certificatePrincipal(certificate: ClientCertificate, now: number): string | null {
  // Also true for what is no date.
  if (!(Date.parse(certificate.valid_to) > now)) return null;
  const names = certificate.subjectaltname ?? '';
  const { CN = '' } = certificate.subject ?? {};
  const [kind, name] = firstOf(names, 'URI') ?? firstOf(names, 'DNS') ?? ['cn', typeof CN === 'string' ? CN : ''];
  const principal = `certificate/${kind}:${name}`;
  return isCertificatePrincipal(principal) ? principal : null;
}

/** Whether a text names what a certificate can name. */
export function isCertificatePrincipal(text: string): boolean {
  return text.startsWith('certificate/') && isPrincipal(text);
}

const entry = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y;

/** The first name of this kind. One that is quoted holds what no name holds, and is given back as it cannot be used. */
function firstOf(names: string, kind: 'URI' | 'DNS'): readonly [kind: string, name: string] | null {
  entry.lastIndex = 0;
  for (let match = entry.exec(names); match !== null; match = entry.exec(names)) {
    const [whole, found, name = ''] = match;
    if (found === kind) return [kind.toLowerCase(), name.startsWith('"') ? '' : name];
    if (whole === '') break;
  }
  return null;
}
