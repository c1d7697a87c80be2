import { PublishedEvent } from '@postrider/contract/postrider/v1/event_service';
import { decodeEvent, limits, TENANT_HEADER } from '@postrider/core';
import { CliError, exitCodes } from './cli-error.ts';

/**
 * A CloudEvent in its JSON format, of one line; its data byte for byte as they stand there.
 * @param tenant the tenant's id
 * @throws CliError that names the line, and what is wrong with it
 */
export function readCloudEvent(line: string, number: number, tenant: string): PublishedEvent {
  const headers = {
    'content-type': Buffer.from('application/cloudevents+json'),
    [TENANT_HEADER]: Buffer.from(tenant),
  };
  const place = { topic: '', partition: 0, offset: 0, key: null };
  const read = decodeEvent({ ...place, value: Buffer.from(line), headers }, { bodyBytesMax: limits.bodyBytesMax });
  if (read.kind === 'quarantine') throw new CliError(exitCodes.usage, `Line ${number}: ${read.detail}.`);
  const { attributes, body } = read;
  return { ...PublishedEvent.fromPartial(attributes), data: body };
}
