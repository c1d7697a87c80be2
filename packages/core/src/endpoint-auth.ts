import type { EndpointAuth } from '@postrider/contract/postrider/v1/endpoint';
import type { FieldViolation } from './errors.ts';
import { limits } from './limits.ts';
import { Secret } from './secret.ts';

// A user name and password are one text with a colon between them (RFC 7617 §2), and no control characters.
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const userName = /^[^\u0000-\u001f\u007f-\u009f:]+$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const password = /^[^\u0000-\u001f\u007f-\u009f]*$/;
/** Printable ASCII without spaces: what one word of a header's value may hold. Wider than RFC 6750's b64token. */
const word = /^[\x21-\x7e]+$/;
// RFC 6749 §3.3 and appendix A: a scope has no space, quote or backslash; ids and secrets are printable ASCII.
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const printable = /^[\x20-\x7e]+$/;

/**
 * What is wrong with how an endpoint wants to be shown who we are, all of it. Secrets are never shown; one that is empty
 * is not judged here: it may be stored already. The token URL is judged like any other URL, elsewhere.
 * @param field path in the request, for example `endpoint.auth`
 */
export function validateEndpointAuth(auth: EndpointAuth | undefined, field: string): FieldViolation[] {
  if (auth === undefined) return [];
  const violations: FieldViolation[] = [];
  const check = (holds: boolean, part: string, description: string): void => {
    if (!holds) violations.push({ field: `${field}.${part}`, description });
  };
  const fits = (secret: string, part: string): void => {
    const most = limits.credentialBytesMax;
    check(Buffer.byteLength(secret) <= most, part, `has more than ${most} bytes`);
  };
  switch (auth.method?.$case) {
    case undefined:
      return [{ field, description: 'must name a method that this version knows' }];
    case 'basic': {
      const { username, password: given } = auth.method.value;
      check(userName.test(username), 'basic.username', 'must be set, without colons and control characters');
      check(username.length <= limits.credentialNameMax, 'basic.username', tooLong(limits.credentialNameMax));
      check(password.test(given), 'basic.password', 'must not hold control characters');
      fits(given, 'basic.password');
      break;
    }
    case 'bearer': {
      const { token } = auth.method.value;
      check(token === '' || word.test(token), 'bearer.token', 'must be printable ASCII without spaces');
      fits(token, 'bearer.token');
      break;
    }
    case 'oauth2': {
      const { clientId, clientSecret, scopes } = auth.method.value;
      check(printable.test(clientId), 'oauth2.client_id', 'must be set, in printable ASCII');
      check(clientId.length <= limits.credentialNameMax, 'oauth2.client_id', tooLong(limits.credentialNameMax));
      const isPrintable = clientSecret === '' || printable.test(clientSecret);
      check(isPrintable, 'oauth2.client_secret', 'must be printable ASCII');
      fits(clientSecret, 'oauth2.client_secret');
      for (const [index, scope] of scopes.entries()) {
        const description = 'must be printable ASCII without spaces, quotes and backslashes';
        check(scopeToken.test(scope), `oauth2.scopes[${index}]`, description);
      }
      const most = limits.oauthScopeBytesMax;
      check(scopes.join(' ').length <= most, 'oauth2.scopes', `must have at most ${most} characters in all`);
    }
  }
  return violations;
}

function tooLong(most: number): string {
  return `has more than ${most} characters`;
}

/** Value of `authorization` for HTTP Basic (RFC 7617), as UTF-8. */
export function basicAuthorization(username: string, secret: Secret): Secret {
  return new Secret(`Basic ${Buffer.from(`${username}:${secret.reveal()}`, 'utf8').toString('base64')}`);
}

/** Value of `authorization` for a bearer token (RFC 6750 §2.1). */
export function bearerAuthorization(token: Secret): Secret {
  return new Secret(`Bearer ${token.reveal()}`);
}
