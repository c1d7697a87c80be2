import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidArgument } from '@postrider/core';

/** Makes and reads tokens of pages. A token holds the last name of its page and belongs to one list. */
export interface PageTokens {
  issue(list: PageList, lastName: string): string;
  /**
   * The last name of the page before; empty for the empty token.
   * @throws PostriderError `invalid_argument` for a token that this server did not issue for this list
   */
  read(list: PageList, token: string): string;
}

/** What a token is bound to. */
export interface PageList {
  readonly method: string;
  readonly parent: string;
  /** Filter and order, as one text; absent: none. */
  readonly query?: string;
}

const MAC_BYTES = 16;

/** Tokens under the first of the keys that only the control plane knows; what any of them has made is read. */
export function createPageTokens(first: Buffer, ...older: readonly Buffer[]): PageTokens {
  const macOf = ({ method, parent, query = '' }: PageList, name: string, key = first): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([method, parent, name, ...(query === '' ? [] : [query])]))
      .digest()
      .subarray(0, MAC_BYTES);
  return {
    issue: (list, lastName) => Buffer.concat([macOf(list, lastName), Buffer.from(lastName)]).toString('base64url'),
    read(list, token) {
      if (token === '') return '';
      const bytes = Buffer.from(token, 'base64url');
      const name = bytes.subarray(MAC_BYTES).toString('utf8');
      const mac = bytes.subarray(0, MAC_BYTES);
      // One spelling only: the decoder would pass over stray characters.
      const canonical = bytes.toString('base64url') === token;
      const isOurs = (key: Buffer): boolean => timingSafeEqual(mac, macOf(list, name, key));
      if (canonical && mac.length === MAC_BYTES && [first, ...older].some(isOurs)) return name;
      throw invalidArgument([
        {
          field: 'page_token',
          description: 'must be the next_page_token of a page of this very list, filter and order',
        },
      ]);
    },
  };
}
