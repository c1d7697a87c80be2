/** The same loop as `raw-loop-process.ts`, through the one door to tenants' endpoints with its default limits. */
import { createEgress, createPolicy } from '@postrider/egress';
import { systemClock } from '@postrider/runtime';
import { benchAuthority, benchHost } from './bench-certificates.ts';
import { runSignedLoop } from './signed-loop.ts';

runSignedLoop(({ port, isTls, endpoints }) => {
  const egress = createEgress({
    policy: createPolicy({ allowHttp: true, allowLoopback: true, ports: 'any' }),
    clock: systemClock,
    resolve: () => Promise.resolve(['127.0.0.1']),
    ca: [benchAuthority()],
  });
  const origin = isTls ? `https://${benchHost}:${port}` : `http://127.0.0.1:${port}`;
  const targets = Array.from({ length: endpoints }, (_, endpoint) => ({
    ...{ origin, path: `/e${endpoint}`, poolKey: `tenant/e${endpoint}`, maxSockets: 16, totalDeadlineMs: 15_000 },
  }));
  return (endpoint, headers, body, done) => {
    const { path, poolKey, maxSockets, totalDeadlineMs } = targets[endpoint] as (typeof targets)[number];
    egress.send({ origin, path, headers, body, totalDeadlineMs, poolKey, maxSockets }, (result) =>
      done(result.kind === 'response' ? null : new Error(`${result.code}: ${result.message}`)),
    );
  };
});
