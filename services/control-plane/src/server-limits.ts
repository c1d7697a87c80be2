const KIB = 1_024;
const MIB = 1_024 * KIB;
const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The bounds of the API server, named with their units; everything without one is a count. */
export const serverLimits = Object.freeze({
  requestBytesMax: MIB,
  /** Answers are cut into pages below this; clients take 4 MiB by default. */
  answerBytesMax: 4 * MIB,
  pageBytesMax: 2 * MIB,
  metadataBytesMax: 16 * KIB,
  concurrentStreamsMax: 100,
  /** Connections of one replica, and of one address. */
  connectionsMax: 1_000,
  connectionsPerAddressMax: 500,
  /** How long a connection may be without a first call. */
  firstCallMs: 20 * SECOND_MS,
  /** How long a request may take from its headers to its end. */
  requestArrivesMs: 10 * SECOND_MS,
  /** Requests of callers who are known that are on their way at once. */
  requestsArrivingMax: 2_048,
  /** The same of all others, streams of theirs included; and of those the ones that are on their way for longer than `requestSlowMs`. */
  strangerRequestsArrivingMax: 256,
  strangerRequestsSlowMax: 32,
  requestSlowMs: 2 * SECOND_MS,
  /** How long a call may take for which its caller names no deadline, or a later one. */
  callDeadlineMs: 30 * SECOND_MS,
  /** How long an answer waits to be taken, and how many bytes may wait so in all; then its connection is ended. */
  answerTakenMs: 10 * SECOND_MS,
  unreadAnswerBytesMax: 64 * MIB,
  keepaliveEveryMs: 30 * SECOND_MS,
  keepaliveTimeoutMs: 10 * SECOND_MS,
  /** Connections are ended gently now and then, so that clients spread over new addresses. */
  connectionAgeMs: 30 * MINUTE_MS,
  connectionAgeGraceMs: MINUTE_MS,
  connectionIdleMs: 5 * MINUTE_MS,
  /** How long a stop waits for calls that have begun. */
  stopGraceMs: 5 * SECOND_MS,
  /** How long all else of a stop may take: the seat is left, and Kafka. */
  leaveWithinMs: 10 * SECOND_MS,

  /** Lists that wait for their turn; beyond, callers are told to come back. */
  listsWaitingMax: 1_000,
  /** Resources that are looked at for one page; the next one goes on from there. */
  pageLookedAtMax: 2_000,
  /** Resources that are ordered by anything but their names: each must be read for it. */
  listOrderedMax: 10_000,
  /** Lists whose order is remembered, of those that see the same tenants. */
  listsSortedMax: 500,
  pageSizeDefault: 50,
  pageSizeMax: 500,
  requestIdMax: 128,
  /** The message of a status as it travels in its header. Many clients take 8 KiB of headers in all. */
  statusMessageBytesMax: 2 * KIB,
  /** The details of a status before base64, which makes 4 bytes of 3. */
  statusDetailsBytesMax: 3_600,
  violationsToldMax: 32,
  violationTextMax: 200,

  /** The pages under `/.well-known/`: connections at once, how long a request may take to arrive, and bytes of its headers. */
  wellKnownConnectionsMax: 256,
  wellKnownRequestMs: 5 * SECOND_MS,
  wellKnownHeaderBytesMax: 8 * KIB,
  /** How long they may be kept by whoever has asked. */
  wellKnownKeptMs: 5 * MINUTE_MS,

  /** How long a mutation may take until its caller is told that its result is unknown. */
  mutationDeadlineMs: 10 * SECOND_MS,
  /** Mutations that wait for their turn; beyond, callers are told to come back. */
  mutationsQueuedMax: 2_000,
  /** Mutations that are written as one transaction. */
  mutationsTogetherMax: 100,
  /** After this, what could not be written again behind an older writer's records is tried once more. */
  restateAgainMs: 5 * SECOND_MS,
  endpointsPerTenantDefault: 10_000,
  subscriptionsPerTenantDefault: 20_000,
  /** The most that any quota of a tenant may be. */
  quotaMax: 1_000_000,
  eventTypesMax: 100,
  /** Endpoints of a tenant that are paused one by one. */
  endpointPausesPerTenantMax: 1_000,
  drainsMax: 256,
  /** Of one tenant, and of the whole installation. */
  apiKeysPerTenantMax: 1_000,
  roleBindingsPerTenantMax: 1_000,
  /** How much later than its last noted use a key must be used for that to be noted again. */
  keyUseNotedEveryMs: HOUR_MS,
  /** Calls of one principal at one replica; of one whose roles are all in tenants. */
  callsPerSecondMax: 10_000,
  tenantCallsPerSecondMax: 1_000,
  /** Of all that have their roles in the same tenants. */
  tenantTogetherCallsPerSecondMax: 2_000,
  /** Of one address that calls what anyone may call, and of all of them. */
  strangerCallsPerSecondMax: 100,
  strangersTogetherCallsPerSecondMax: 1_000,
  /** Principals whose calls are counted at once. */
  principalsCountedMax: 10_000,
  /** How long until what could not be noted is tried again. */
  keyUseTriedEveryMs: MINUTE_MS,
  /** How long Kafka, or a dispatcher, may take to answer a question. */
  askDeadlineMs: 5 * SECOND_MS,
  runIdMax: 128,
  /** Events of one PublishEvents, and of one part of a stream. */
  publishedTogetherMax: 1_000,
  /** Of one tenant at one replica. */
  publishedPerSecondDefault: 5_000,
  /** How long Kafka may take to acknowledge an event until its publisher is told that its result is unknown. */
  publishDeadlineMs: 10 * SECOND_MS,
  /** Events that a replica is writing; beyond, publishers are told to come back. */
  publishingMax: 50_000,
  publishingBytesMax: 64 * MIB,
  /** Parts of one stream that are read and not answered by Kafka yet. */
  streamPartsAheadMax: 16,
  /** How long a stream may send nothing. */
  streamIdleMs: MINUTE_MS,
  /** Of one replica: the library reads up to 16 parts ahead of each. */
  publishStreamsMax: 32,
  /** Of those, of callers whose roles are all in the same tenants. */
  publishStreamsPerTenantMax: 8,
  failuresToldMax: 1_000,
  /** How often a publisher looks how many partitions the topic has. */
  partitionsKnownMs: MINUTE_MS,
  /** Attempts that are looked through for how a delivery ended, and for how many deliveries at once. */
  endingsLookedForAtOnceMax: 4,
  endingsLookedAtMax: 20_000,
  /** Characters of the reason that a person gives. */
  reasonMax: 500,
  /** How long the group waits for a silent leader: with the election and the reading behind it, under 15 s. */
  writerSessionMs: 8 * SECOND_MS,
  /** What a leader that stops, or has lost the lead, gives to the changes that are being written. */
  writerStopGraceMs: SECOND_MS,
  /** How soon a replica that has the seat, but could not begin to lead, tries again. */
  leadAgainMs: SECOND_MS,
  /** How often a leader notes how far it has come, and looks whether the topic is still what it wrote. */
  markEveryMs: 5 * SECOND_MS,
  /** How long a call waits for a leader when there is none. Longer than an election after a crash takes. */
  leaderWaitMs: 15 * SECOND_MS,
  leaderAskEveryMs: 100,
  /** How long connecting to the leader may take, and what a call that is passed on gets beyond the leader's own deadline. */
  leaderConnectMs: 2 * SECOND_MS,
  leaderSlackMs: 2 * SECOND_MS,
  /** Calls that wait for a leader, or for its answer; beyond, callers are told to come back. */
  forwardsMax: 2_000,
  /** How long the answer to a change that was passed on waits until it can be read here, too. */
  readBackMs: SECOND_MS,
  /** How long a read waits for the revision that it asks for. */
  revisionWaitMs: 10 * SECOND_MS,
  /** Calls that wait so; beyond, callers are told to come back. */
  revisionWaitsMax: 1_000,
  /** How long a caller should wait before it tries again what was unavailable. */
  retryAfterMs: SECOND_MS,
  /** How long before a client certificate ends it is told, and how often all are looked at. */
  certificateEndsSoonMs: 14 * 24 * HOUR_MS,
  certificateLookEveryMs: HOUR_MS,
  /** A token, and how long and how many that have been verified are known: a signature costs more than the rest of a call. */
  jwtBytesMax: 8 * KIB,
  jwtKnownMs: MINUTE_MS,
  jwtsKnownMax: 10_000,
  /** How far in the future a token may end: one that is stolen is worth something until then. */
  jwtLifetimeMaxMs: 24 * HOUR_MS,
  /** Groups of a token that count. */
  jwtGroupsMax: 100,
  /** The keys of the issuer: their document, how long fetching it may take, and how often it is looked whether it is fresh. */
  jwksBytesMax: 256 * KIB,
  jwksKeysMax: 100,
  jwksFetchMs: 5 * SECOND_MS,
  jwksLookEveryMs: 30 * SECOND_MS,
  jwksFreshMs: 5 * MINUTE_MS,
  /** How long the last ones are used while they cannot be read. */
  jwksKeptMs: 24 * HOUR_MS,
  /** How often they are read because a token names a key that is not there, and how many calls wait for it at once. */
  jwksUnknownKeyEveryMs: 30 * SECOND_MS,
  jwksWaitersMax: 100,
  /** How often the files of the API's certificate, and of keys for tokens, are read; what a client has to end its handshake. */
  filesLookEveryMs: SECOND_MS,
  handshakeMs: 10 * SECOND_MS,
  /** After this a signing secret, or a key-encryption key, is called old; and how often all are looked at. */
  secretOldMs: 365 * 24 * HOUR_MS,
  secretsLookEveryMs: HOUR_MS,
  /** Data keys that are sealed anew at once, how long everything else has its turn in between, and how often is looked. */
  rewrapsTogetherMax: 50,
  rewrapPauseMs: 50,
  rewrapAgainMs: 10 * SECOND_MS,
  /**
   * Records of a tenant that are deleted together: some milliseconds in which nobody else is answered, most of them for
   * telling the audit.
   */
  deletedTogetherMax: 50,
  /** How long the deletion of a tenant is waited for by the call that begins it. */
  deletionAwaitedMs: 5 * SECOND_MS,
  /** How soon an operation that could not go on is tried again. */
  operationAgainMs: 5 * SECOND_MS,
  /** How long operations that are done are kept, how many of them at most, and how often is looked. */
  operationKeptMs: 7 * 24 * HOUR_MS,
  operationsKeptMax: 1_000,
  operationsLookEveryMs: HOUR_MS,
  /** How long one call may wait for an operation, and how many calls at once; beyond, callers are told to come back. */
  operationWaitMs: 20 * SECOND_MS,
  operationWaitsMax: 1_000,
  /** Of the audit, held in memory at once for one reader. */
  auditStretchRecordsMax: 2_000,
  auditStretchBytesMax: MIB,
  /** Offsets that are read at once from the end towards the beginning, or when an entry is looked for. */
  auditLookBack: 500,
  /** Offsets that are looked through for one page. */
  auditLookedThroughMax: 20_000,
  /** Lists and look-ups of the audit at once. */
  auditReadsMax: 8,
  /** How far the clock of who writes an entry and that of the broker may be apart. */
  auditClockSlackMs: 5 * MINUTE_MS,
  /** Entries after which whoever verifies the chain is told how far it is. */
  auditVerifiedToldEvery: 10_000,
  /** Streams of answers at once, and of callers whose roles are all in the same tenants. */
  streamsMax: 8,
  streamsPerTenantMax: 2,
  /** How long each may take, and how long a caller may take nothing. */
  streamMs: 30 * MINUTE_MS,
  streamStallMs: 30 * SECOND_MS,
  /** How often the head of the audit is told to the log, when it has moved. */
  auditHeadToldEveryMs: HOUR_MS,
});
