import {
  certificatePrincipal,
  createCallProver,
  isCertificatePrincipal,
  numberedNonces,
  numberProofs,
} from '@postrider/core';
import { FORWARDED_METADATA } from '../call-routing.ts';
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { Clock, RandomBytes, SealingKey } from '@postrider/core';

/** What a call shows of who makes it. */
export interface Shown {
  /** The metadata `authorization`; empty when there is none or more than one. */
  readonly authorization: string;
  /** Whom the client certificate of its connection names; null: there is none that is believed, or that names anybody. */
  readonly certificate: () => string | null;
}

/** Any call of a client. */
export type ShowingCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getPath' | 'getAuthContext'>;

/** Metadata of a call that another replica has passed on: whom its caller's certificate names, and that replica's proof of it. */
const CALLER_METADATA = 'postrider-caller';
const CALLER_PROOF_METADATA = 'postrider-caller-proof';

export interface Showing {
  shownBy(call: ShowingCall): Shown;
  /**
   * Makes the metadata of a call that is passed on say whom its caller's certificate names: the next replica sees only the
   * connection of this one. What the caller has written there himself is taken out.
   */
  passOn(call: ShowingCall, metadata: Metadata): void;
}

export interface ShowingOptions {
  /** What replicas know each other by. */
  readonly shared: readonly SealingKey[];
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Another replica's clock is so far from this one's that its callers with certificates are not believed. */
  readonly clockApart: (apartMs: number) => void;
}

/** Whoever has such a key is a replica, and is believed what it says of a caller's certificate, for one call. */
const REPLICAS = 'control-plane';

/** Reads what calls show, and lets it survive the way to the leader. */
export function createShowing({ shared, clock, random, clockApart }: ShowingOptions): Showing {
  // Callers with certificates make very many such calls.
  const prover = createCallProver(shared, { used: numberProofs(), onApart: clockApart });
  const nonces = numberedNonces(random);

  function ofConnection(call: ShowingCall): string | null {
    const { sslPeerCertificate } = call.getAuthContext();
    return sslPeerCertificate === undefined ? null : certificatePrincipal(sslPeerCertificate, clock.now());
  }

  function vouchedFor(call: ShowingCall): string | null {
    const caller = only(call.metadata, CALLER_METADATA);
    if (!isCertificatePrincipal(caller)) return null;
    const proof = only(call.metadata, CALLER_PROOF_METADATA);
    return prover.problem(proof, provable(call, caller), clock.now()) === null ? caller : null;
  }

  return {
    shownBy(call) {
      let certificate: string | null | undefined;
      return {
        authorization: only(call.metadata, 'authorization'),
        certificate() {
          // A proof is good for one look.
          if (certificate !== undefined) return certificate;
          // The connection of a call that was passed on is another replica's, whose certificate is not the caller's.
          const wasPassedOn = call.metadata.get(FORWARDED_METADATA).length > 0;
          return (certificate = wasPassedOn ? vouchedFor(call) : ofConnection(call));
        },
      };
    },
    passOn(call, metadata) {
      metadata.remove(CALLER_METADATA);
      metadata.remove(CALLER_PROOF_METADATA);
      if (call.metadata.get('authorization').length > 0) return;
      const caller = ofConnection(call);
      if (caller === null) return;
      const made = { time: Math.round(clock.now()), nonce: nonces() };
      metadata.set(CALLER_METADATA, caller);
      metadata.set(CALLER_PROOF_METADATA, prover.prove({ ...provable(call, caller), ...made }));
    },
  };
}

function provable(call: ShowingCall, caller: string) {
  return { method: call.getPath(), processId: REPLICAS, request: Buffer.from(caller) };
}

/** The one value of this name; empty when there is none or more than one. */
function only(metadata: Metadata, name: string): string {
  const values = metadata.get(name);
  return values.length === 1 ? String(values[0]) : '';
}
