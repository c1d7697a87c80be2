import type { Row } from '../row.ts';
import { dispatcherKilled } from './f01-dispatcher-killed.ts';
import { routerKilled } from './f02-router-killed.ts';
import { controlPlaneKilled } from './f03-control-plane-killed.ts';
import { rollingRestart } from './f04-rolling-restart.ts';
import { dispatcherStopped } from './f06-dispatcher-stopped.ts';
import { outOfMemory } from './f07-out-of-memory.ts';
import { allBrokersDown } from './f08-all-brokers-down.ts';
import { oneBrokerDown } from './f09-one-broker-down.ts';
import { brokersRolled } from './f10-brokers-rolled.ts';
import { slowBroker } from './f11-slow-broker.ts';
import { lostAcknowledgements } from './f12-lost-acknowledgements.ts';
import { diskFull } from './f13-disk-full.ts';
import { redisGone } from './f14-redis-gone.ts';
import { redisFrozen } from './f15-redis-frozen.ts';
import { clockSet } from './f16-clock-set.ts';
import { dispatcherCutOff } from './f17-dispatcher-cut-off.ts';
import { cutOffFromEndpoints } from './f18-cut-off-from-endpoints.ts';
import { endpointsSilent } from './f19-endpoints-silent.ts';
import { endpointsSlow } from './f20-endpoints-slow.ts';
import { endpointFlaps } from './f21-endpoint-flaps.ts';
import { endpointsOverloaded } from './f23-endpoints-overloaded.ts';
import { rebalanceStorm } from './f24-rebalance-storm.ts';
import { truncated } from './f25-truncated.ts';
import { fetchesNothing } from './f26-fetches-nothing.ts';
import { coordinatorRefuses } from './f27-coordinator-refuses.ts';
import { poisonRecords } from './f30-poison-records.ts';
import { tiersUnwritable } from './f31-tiers-unwritable.ts';
import { flood } from './f32-flood.ts';
import { manyDueAtOnce } from './f33-many-due-at-once.ts';
import { namesFail } from './f34-names-fail.ts';
import { keysAway } from './f35-keys-away.ts';

/** Every row, in the order in which they run. */
export const rows: readonly Row[] = [
  dispatcherKilled,
  routerKilled,
  controlPlaneKilled,
  rollingRestart,
  dispatcherStopped,
  outOfMemory,
  allBrokersDown,
  oneBrokerDown,
  brokersRolled,
  slowBroker,
  lostAcknowledgements,
  diskFull,
  redisGone,
  redisFrozen,
  clockSet,
  dispatcherCutOff,
  cutOffFromEndpoints,
  endpointsSilent,
  endpointsSlow,
  endpointFlaps,
  endpointsOverloaded,
  rebalanceStorm,
  truncated,
  fetchesNothing,
  coordinatorRefuses,
  poisonRecords,
  tiersUnwritable,
  flood,
  manyDueAtOnce,
  namesFail,
  keysAway,
];
