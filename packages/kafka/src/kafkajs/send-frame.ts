import { hangUpWhenSilent } from './hang-up.ts';
import type { Broker, Connection } from './internals.ts';

export interface Frame {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  /** Fetches wait at the broker, and must hold nothing up, nor one another: 0 for all else, 1 and 2 for fetches. */
  readonly connection: 0 | 1 | 2;
  readonly timeoutMs: number;
  /**
   * The whole request, its length included; asked synchronously just before it is written. Null: there is nothing to send
   * after all.
   */
  encode(correlationId: number, clientId: string): Buffer | null;
}

const NOTHING = Buffer.alloc(0);

/** Sends a request that we encode ourselves; the bytes of the answer, or null when nothing was sent. */
export function sendFrame(broker: Broker, frame: Frame): Promise<Buffer | null> {
  return hangUpWhenSilent(broker, connectAndSend(broker, frame));
}

async function connectAndSend(broker: Broker, frame: Frame): Promise<Buffer | null> {
  const connection = await broker.connectionPool.getConnection(frame.connection);
  await connection.authenticate();
  connection.failIfNotConnected();
  return exchange(connection, frame);
}

function exchange(connection: Connection, frame: Frame): Promise<Buffer | null> {
  const { apiKey, apiName, apiVersion } = frame;
  const { requestQueue } = connection;
  const correlationId = connection.nextCorrelationId();
  return new Promise((resolve, reject) => {
    let sent = true;
    requestQueue.push({
      entry: {
        apiKey,
        apiName,
        apiVersion,
        correlationId,
        resolve: ({ payload }) => resolve(sent ? payload : null),
        reject,
      },
      expectResponse: true,
      requestTimeout: frame.timeoutMs,
      sendRequest() {
        const bytes = encodeOrReject(frame, correlationId, connection.clientId, reject);
        if (bytes !== null) return void connection.socket?.write(bytes);
        // The queue counts it as in flight now; it must hear of an end.
        sent = false;
        queueMicrotask(() => requestQueue.fulfillRequest({ correlationId, payload: NOTHING, size: 0 }));
      },
    });
  });
}

function encodeOrReject(
  frame: Frame,
  correlationId: number,
  clientId: string,
  reject: (error: Error) => void,
): Buffer | null {
  try {
    return frame.encode(correlationId, clientId);
  } catch (error) {
    reject(error as Error);
    return null;
  }
}
