/** AWS STS as its HTTP API behaves, for one role: lends keys for tokens of the cluster, in JSON where that is asked for, else in XML. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const standInRole = 'arn:aws:iam::111122223333:role/postrider';

export interface StsStandIn extends AsyncDisposable {
  readonly endpoint: URL;
  /** The tokens that it was shown, in order. */
  readonly shown: string[];
  /** The one that it takes. */
  token: string;
  /** When what it lends ends, ms since the Unix epoch. */
  until: number;
  /** Instead of what it would answer; null: no answer at all. */
  answer: ((lent: string) => { readonly status?: number; readonly body: string } | null) | undefined;
  /** Whether it answers in XML whatever is asked for, as it is documented to. */
  xml: boolean;
}

/** Listens on loopback. What it lends is `ASIA1`, `ASIA2` and so on. */
export async function stsStandIn(): Promise<StsStandIn> {
  const state = {
    ...{ shown: [] as string[], token: 'token 1', until: 0, xml: false },
    answer: undefined as StsStandIn['answer'],
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const asked = new URLSearchParams(Buffer.concat(parts).toString());
      const told = state.answer?.(lentAs(false, state.shown.length + 1, state.until));
      state.shown.push(asked.get('WebIdentityToken') ?? '');
      if (told === null) return;
      const isJson = request.headers.accept === 'application/json' && !state.xml;
      const isRight =
        asked.get('Action') === 'AssumeRoleWithWebIdentity' &&
        asked.get('Version') === '2011-06-15' &&
        asked.get('RoleArn') === standInRole;
      const isKnown = asked.get('WebIdentityToken') === state.token;
      if (told !== undefined) response.writeHead(told.status ?? 200).end(told.body);
      else if (!isRight) response.writeHead(400).end(errorAs(isJson, 'ValidationError'));
      else if (!isKnown) response.writeHead(400).end(errorAs(isJson, 'ExpiredTokenException'));
      else response.end(lentAs(isJson, state.shown.length, state.until));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return Object.assign(state, {
    endpoint,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

function lentAs(isJson: boolean, number: number, until: number): string {
  const keys = {
    AccessKeyId: `ASIA${number}`,
    SecretAccessKey: `se/cr+et${number}=`,
    SessionToken: `tok/en+${number}==`,
  };
  if (isJson) {
    const Credentials = { ...keys, Expiration: until / 1_000 };
    return JSON.stringify({
      AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } },
    });
  }
  const elements = Object.entries({ ...keys, Expiration: new Date(until).toISOString() })
    .map(([name, value]) => `      <${name}>${value}</${name}>`)
    .join('\n');
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Credentials>\n${elements}\n    </Credentials>
  </AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;
}

function errorAs(isJson: boolean, code: string): string {
  if (isJson) return JSON.stringify({ Error: { Code: code, Message: 'canary', Type: 'Sender' }, RequestId: 'r' });
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>canary</Message></Error></ErrorResponse>`;
}
