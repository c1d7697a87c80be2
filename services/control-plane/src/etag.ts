import { hash } from 'node:crypto';
import { PostriderError } from '@postrider/core';

/** The etag of a resource: opaque, and another one for every revision. */
export function etagOf(resource: { readonly name: string; readonly revision: string }): string {
  const text = `${resource.name.length}:${resource.name}${resource.revision}`;
  return hash('sha256', text, 'base64url').slice(0, 16);
}

/**
 * Holds a change to the state that its caller knew. An empty etag asks for nothing.
 * @throws PostriderError `etag_mismatch`
 */
export function checkEtag(given: string, resource: { readonly name: string; readonly revision: string }): void {
  if (given === '' || given === etagOf(resource)) return;
  throw new PostriderError('etag_mismatch', `${resource.name} has changed since this etag; get it again`);
}
