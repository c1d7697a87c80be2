import type { ConfigView, DataKeys, Keyring } from '@postrider/config-view';
import type { Clock, RandomBytes, Reach } from '@postrider/core';
import type { AuditLog } from './audit/log.ts';
import type { Authenticate } from './authenticate.ts';
import type { CallRouting } from './call-routing.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { DeclaredSources } from './egress/announced.ts';
import type { FindEnding } from './find-ending.ts';
import type { UntilDone } from './operations/until-done.ts';
import type { Owners } from './owners.ts';
import type { Principal } from './permissions.ts';
import type { Publishing } from './publishing/publish-methods.ts';
import type { PageTokens } from './page-token.ts';
import type { Paging } from './paging.ts';
import type { Showing } from './tls/shown.ts';
import type { SecretAges } from './secrets/secrets-stand.ts';
import type { Verifier } from './verifier.ts';
import type { JudgeEndpointUrl } from './validate-endpoint.ts';

/** What the methods work with. */
export interface ServiceContext {
  readonly view: ConfigView;
  /** What `view` and `writer` show. */
  readonly reach: Reach;
  readonly writer: Pick<ConfigWriter, 'change'>;
  readonly routing: CallRouting;
  readonly verifier: Pick<Verifier, 'written'>;
  readonly owners: Owners;
  readonly findEnding: FindEnding;
  readonly paging: Paging;
  /** Tokens of pages that `paging` does not cut. */
  readonly pageTokens: PageTokens;
  /** What stands in the audit of what this caller sees. */
  readonly audit: AuditLog;
  /** For all callers together, so many at once. */
  readonly untilOperationDone: UntilDone;
  readonly keyring: Keyring;
  readonly dataKeys: DataKeys;
  readonly secretAges: () => SecretAges;
  readonly judgeUrl: JudgeEndpointUrl;
  /** Names of the egress pools that there are. */
  readonly pools: ReadonlySet<string>;
  /** Subscriptions may name described event types only. */
  readonly eventTypesRequired: boolean;
  /** What these processes are told that they leave from. */
  readonly sources: DeclaredSources;
  readonly showing: Pick<Showing, 'shownBy'>;
  /** Null where no events are published. */
  readonly publishing: Publishing | null;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** One method: a request of a caller who may call it, to an answer. Throws PostriderErrors. */
export type Method<Request, Response> = (request: Request, caller: Principal) => Response | Promise<Response>;

/** Makes a method of what it works with: each call gets what its caller may see. */
export type MethodMaker<Request, Response> = (context: ServiceContext) => Method<Request, Response>;

/** One method with many answers. Throws PostriderErrors. */
export type StreamMethod<Request, Response> = (request: Request, caller: Principal) => AsyncIterable<Response>;

/** As `MethodMaker`. */
export type StreamMaker<Request, Response> = (context: ServiceContext) => StreamMethod<Request, Response>;
