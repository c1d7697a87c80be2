/** Where a service of AWS is asked in a region: China's partition has names of its own. */
export function awsEndpoint(service: 'kms' | 'sts', partition: string, region: string): URL {
  return new URL(`https://${service}.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}/`);
}
