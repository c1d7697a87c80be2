import { readFileSync } from 'node:fs';

const file = (name: string): Buffer =>
  readFileSync(new URL(`../../packages/egress/testdata/tls/${name}`, import.meta.url));

/** The name that the sink's certificate is for. */
export const benchHost = 'hook.example.com';

/** Who issued it; PEM. */
export const benchAuthority = (): Buffer => file('ca.pem');

/** The sink's key and certificate. */
export const benchIdentity = (): { key: Buffer; cert: Buffer } => ({ key: file('hook.key'), cert: file('hook.pem') });
