import type { Endpoint } from '@postrider/contract/postrider/v1/endpoint';
import { plainEnum } from '@postrider/core';
import { shortName } from '../names.ts';

/** An endpoint in a few lines for a person. */
export function describeEndpoint(endpoint: Endpoint): string {
  const lines = [
    ['Endpoint', shortName(endpoint.name)],
    ['URL', endpoint.url],
    ['State', plainEnum(endpoint.state, 'ENDPOINT_STATE')],
    ['UID', endpoint.uid],
    ['Etag', endpoint.etag],
    ['Public key', endpoint.publicKey],
    ['Signing secret', endpoint.signingSecret === '' ? '' : `${endpoint.signingSecret}   (shown this one time)`],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${label?.padEnd(15)} ${value}\n`)
    .join('');
}
