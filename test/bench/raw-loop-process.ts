/**
 * The physical limit that benchmarks compare with: a loop that signs the same body and POSTs it with undici's `dispatch`,
 * one client per endpoint, and nothing else. Started by `runLoopProcess`.
 */
import { Client } from 'undici';
import { benchAuthority, benchHost } from './bench-certificates.ts';
import { runSignedLoop } from './signed-loop.ts';

runSignedLoop(({ port, isTls, endpoints }) => {
  const connect = isTls ? { ca: benchAuthority(), servername: benchHost, allowH2: false } : {};
  const options = { pipelining: 1, keepAliveTimeout: 60_000, allowH2: false, connect };
  const origin = `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const clients = Array.from({ length: endpoints }, () => new Client(origin, options));
  const paths = clients.map((_, endpoint) => `/e${endpoint}`);
  return (endpoint, headers, body, done) => {
    let ended = false;
    const end = (error: Error | null): void => {
      if (ended) return;
      ended = true;
      done(error);
    };
    clients[endpoint]?.dispatch(
      { path: paths[endpoint] as string, method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => end(null),
        onResponseError: (_controller, error) => end(error),
      },
    );
  };
});
