import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsEndpoint } from './endpoint.ts';

test('every service is asked where its partition has it', () => {
  for (const service of ['kms', 'sts'] as const) {
    const at = (partition: string, region: string): string => awsEndpoint(service, partition, region).href;
    assert.equal(at('aws', 'eu-central-1'), `https://${service}.eu-central-1.amazonaws.com/`);
    assert.equal(at('aws-us-gov', 'us-gov-west-1'), `https://${service}.us-gov-west-1.amazonaws.com/`);
    assert.equal(at('aws-cn', 'cn-north-1'), `https://${service}.cn-north-1.amazonaws.com.cn/`);
  }
});
