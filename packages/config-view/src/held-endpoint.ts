import { ConfigRecord } from '@postrider/contract/postrider/v1/config';
import type { EndpointConfig } from '@postrider/contract/postrider/v1/config';

/** What an endpoint is found by. */
export interface EndpointIds {
  readonly uid: string;
  /** Resource name. */
  readonly name: string;
}

/** An endpoint that holds, in as few bytes as it can be kept. */
export interface HeldEndpoint extends EndpointIds {
  /** The same object each time, for as long as anybody has it. */
  get(): EndpointConfig;
  /** The same, but what had to be decoded for it is not kept for others: for who goes through all of them. */
  look(): EndpointConfig;
}

/** An endpoint as it is: for the short time until its record is read back. */
export function holdDecoded(uid: string, config: EndpointConfig): HeldEndpoint {
  const get = (): EndpointConfig => config;
  return { uid, name: config.endpoint?.name ?? '', get, look: get };
}

/**
 * An endpoint as it stands in its record, which is decoded again when somebody asks: its objects take six times as much memory,
 * and few of many endpoints are asked for. The record must have been understood before.
 * @param record the bytes of a ConfigRecord with an endpoint
 */
export function holdRecord(uid: string, name: string, record: Buffer): HeldEndpoint {
  return new HeldRecord(uid, name, record.toString('latin1'));
}

class HeldRecord implements HeldEndpoint {
  readonly uid: string;
  readonly name: string;
  /** A byte a character: a text is one object, where a Buffer is three, one of them outside of what is collected quickly. */
  readonly #record: string;
  #known: WeakRef<EndpointConfig> | null = null;

  constructor(uid: string, name: string, record: string) {
    this.uid = uid;
    this.name = name;
    this.#record = record;
  }

  get(): EndpointConfig {
    const known = this.#known?.deref();
    if (known !== undefined) return known;
    const config = this.#decode();
    this.#known = new WeakRef(config);
    return config;
  }

  look(): EndpointConfig {
    return this.#known?.deref() ?? this.#decode();
  }

  #decode(): EndpointConfig {
    const { entity } = ConfigRecord.decode(Buffer.from(this.#record, 'latin1'));
    if (entity?.$case !== 'endpoint') throw new TypeError(`the record of ${this.name} holds no endpoint`);
    return entity.value;
  }
}
