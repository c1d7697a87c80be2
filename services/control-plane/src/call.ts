import type { ConfigView } from '@postrider/config-view';
import type { Clock, RandomBytes, SealingKey } from '@postrider/core';
import type { Principal } from './api-key.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { KafkaPort } from '@postrider/kafka';
import type { Owners } from './owners.ts';
import type { Paging } from './paging.ts';
import type { Verifier } from './verifier.ts';
import type { JudgeEndpointUrl } from './validate-endpoint.ts';

/** What the methods work with. */
export interface ServiceContext {
  readonly view: ConfigView;
  readonly writer: ConfigWriter;
  readonly verifier: Pick<Verifier, 'written'>;
  readonly owners: Owners;
  readonly kafka: Pick<KafkaPort, 'admin' | 'reader'>;
  readonly topicPrefix: string;
  readonly paging: Paging;
  readonly kek: SealingKey;
  readonly judgeUrl: JudgeEndpointUrl;
  /** Names of the egress pools that there are. */
  readonly pools: ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** One method: a request of a caller who may call it, to an answer. Throws PostriderErrors. */
export type Method<Request, Response> = (request: Request, caller: Principal) => Response | Promise<Response>;
