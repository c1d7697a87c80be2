import { boolean, fileContent, list, text } from './env-fields.ts';

/** What endpoints may be and where requests leave from: the same for the control plane and the dispatchers, which check it. */
export const egressEnv = {
  allowHttp: boolean('POSTRIDER_ALLOW_HTTP', { default: false, says: 'Endpoints may have URLs of plain http.' }),
  allowLoopback: boolean('POSTRIDER_ALLOW_LOOPBACK', {
    default: false,
    says: 'Endpoints may be on this machine: for trying things out.',
  }),
  allowCidrs: list('POSTRIDER_ALLOW_CIDRS', {
    default: [],
    says: 'Ranges such as `10.1.0.0/16` that requests may go to although they are not public.',
  }),
  policyFile: text('POSTRIDER_EGRESS_POLICY_FILE', {
    optional: true,
    hint: 'path of a file',
    says: 'JSON of a whole policy of URLs and addresses, which goes before the three above and holds without a restart: [egress](../../packages/egress/README.md).',
  }),
  pools: fileContent('POSTRIDER_EGRESS_POOLS_FILE', {
    optional: true,
    says: 'JSON of the pools that requests leave from, read at the start: [egress](../egress.md).',
  }),
} as const;
