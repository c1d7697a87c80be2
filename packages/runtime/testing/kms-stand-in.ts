/**
 * AWS KMS as its HTTP API behaves, with one key: checks the signature of what it is asked, seals and opens bound to the context,
 * and names errors as AWS does.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signRequest, type AwsKeys } from '../src/aws/sign-request.ts';

export const standInArn = 'arn:aws:kms:eu-central-1:111122223333:key/0b1c2d3e-0000-4000-8000-000000000001';
export const standInKeys: AwsKeys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI-EXAMPLE' };

/** How it fails: gives no answer, is out of order, or refuses. */
export type KmsFault = 'silent' | 'unwell' | 'throttled' | 'denied' | 'expired';

export interface KmsStandIn extends AsyncDisposable {
  readonly endpoint: URL;
  /** What it is asked from now on fails so; null: it works. */
  fault: KmsFault | null;
  /** What it was asked, `Encrypt` or `Decrypt`, in order. */
  readonly asked: readonly string[];
}

interface Question {
  readonly KeyId?: string;
  readonly Plaintext?: string;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Readonly<Record<string, string>>;
}

const faults: Readonly<Record<Exclude<KmsFault, 'silent'>, readonly [status: number, type: string]>> = {
  unwell: [500, 'KMSInternalException'],
  throttled: [400, 'ThrottlingException'],
  denied: [400, 'AccessDeniedException'],
  expired: [400, 'ExpiredTokenException'],
};

/** Listens on loopback, on a port that is free if none is given; with a key of its own, of 32 bytes, likewise. */
export async function kmsStandIn({ port: wanted = 0, key = randomBytes(32) } = {}): Promise<KmsStandIn> {
  const asked: string[] = [];
  const standIn = { fault: null as KmsFault | null, asked };

  function answer(action: string, question: Question): readonly [status: number, body: object] {
    if (question.KeyId !== standInArn) return [400, { __type: 'NotFoundException' }];
    const context = Buffer.from(JSON.stringify(question.EncryptionContext ?? {}));
    if (action === 'Encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context);
      const sealed = [cipher.update(question.Plaintext ?? '', 'base64'), cipher.final()];
      const CiphertextBlob = Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString('base64');
      return [200, { CiphertextBlob, KeyId: standInArn }];
    }
    const blob = Buffer.from(question.CiphertextBlob ?? '', 'base64');
    try {
      const opening = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12)).setAAD(context);
      opening.setAuthTag(blob.subarray(-16));
      const opened = Buffer.concat([opening.update(blob.subarray(12, -16)), opening.final()]);
      return [200, { Plaintext: opened.toString('base64'), KeyId: standInArn }];
    } catch {
      return [400, { __type: 'InvalidCiphertextException' }];
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString('utf8');
    const action = String(request.headers['x-amz-target']).replace('TrentService.', '');
    asked.push(action);
    const { fault } = standIn;
    if (fault === 'silent') return;
    const [status, told] =
      fault !== null
        ? [faults[fault][0], { __type: faults[fault][1] }]
        : isSigned(request, body)
          ? answer(action, JSON.parse(body) as Question)
          : [400, { __type: 'InvalidSignatureException' }];
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(told));
  }

  const server = createServer((request, response) => void serve(request, response));
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(standIn, {
    endpoint: new URL(`http://127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

function isSigned({ headers, method = '' }: IncomingMessage, body: string): boolean {
  const date = String(headers['x-amz-date']);
  const now = new Date(date.replace(/^(....)(..)(..T..)(..)(..)Z$/, '$1-$2-$3:$4:$5Z'));
  if (Number.isNaN(now.getTime())) return false;
  const given = { 'content-type': String(headers['content-type']), 'x-amz-target': String(headers['x-amz-target']) };
  const url = new URL(`http://${headers.host}/`);
  const unsigned = { method, url, headers: given, body, region: 'eu-central-1', service: 'kms' };
  return signRequest(unsigned, standInKeys, now)['authorization'] === headers.authorization;
}
