const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KIB = 1_024;
const MIB = 1_024 * KIB;

/**
 * Every limit, named with its unit: `…Ms` milliseconds, `…Bytes` bytes, `…Fraction` a part of 1, everything else a
 * count. Their relations are asserted once at start by `assertLimits`.
 */
export const limits = Object.freeze({
  // Bodies and events.
  bodyBytesDefault: 256 * KIB,
  bodyBytesMax: MIB,
  /** Room that a topic leaves for a record's key and headers, above the body. */
  recordOverheadBytes: 64 * KIB,
  headersMax: 64,
  headerBytesMax: 16 * KIB,
  eventIdBytesMax: 256,
  eventSourceBytesMax: 1_024,
  eventTypeBytesMax: 255,
  contentTypeBytesMax: 255,
  hopCountMax: 3,

  // Event types and their schemas.
  eventTypeDescriptionMax: 2_000,
  eventTypeSchemaBytesMax: 64 * KIB,
  eventTypeExamplesMax: 10,
  /** Of all examples of one. */
  eventTypeExamplesBytesMax: 64 * KIB,
  eventTypesMax: 2_000,
  /** Of all schemas and examples: every process keeps them in memory. */
  eventTypesBytesMax: 16 * MIB,
  /** How deep a schema and an example may be nested. */
  eventTypeDepthMax: 64,
  /** Parts of a schema with every reference written out: so often a body is walked through at most. */
  schemaPartsMax: 2_000,
  schemaEnumMax: 500,
  /** Items that are compared all with all. */
  schemaUniqueItemsMax: 256,
  schemaPatternMax: 500,

  // Filters of lists.
  filterCharsMax: 2_000,
  filterTermsMax: 20,

  // Endpoints, as tenants may set them.
  urlBytesMax: 2_048,
  displayNameMax: 200,
  labelsMax: 64,
  labelKeyMax: 63,
  labelValueMax: 255,
  customHeadersMax: 32,
  customHeaderNameMax: 128,
  customHeaderValueBytesMax: 4 * KIB,
  customHeaderBytesMax: 8 * KIB,
  /** A user name or a client id, in characters. */
  credentialNameMax: 255,
  /** A password, a bearer token or a client secret. */
  credentialBytesMax: 4 * KIB,
  oauthScopeBytesMax: KIB,
  /** Certificates or a key, as text. */
  tlsPemBytesMax: 64 * KIB,
  tlsCertificatesMax: 16,
  /** How long an endpoint is asked to prove that it wants events. */
  verificationSpanMs: DAY_MS,
  signingSecretBytesMin: 24,
  signingSecretBytesMax: 64,
  activeSecretsMax: 2,
  /** How long a secret signs beside its successor. */
  secretOverlapDefaultMs: DAY_MS,
  secretOverlapMaxMs: 30 * DAY_MS,

  // Keys.
  keyEncryptionKeysMax: 8,
  /** How long a data key that a KMS has opened is used without asking again: so long may the KMS be away. */
  dataKeyKeptMs: 5 * MINUTE_MS,
  /** How long before the end of that it is asked again. */
  dataKeyRenewedBeforeMs: 150 * SECOND_MS,
  /** Questions to one key of a KMS at once, and how long one may take. */
  kmsAsksAtOnceMax: 8,
  kmsTimeoutMs: 3 * SECOND_MS,
  /** How long a call waits for a KMS. */
  kmsWaitMs: 5 * SECOND_MS,
  /** How soon a KMS that did not answer is asked again, and one that refused. */
  kmsAgainMs: SECOND_MS,
  kmsRefusedAgainMs: 30 * SECOND_MS,
  statusRangesMax: 64,
  orderingKeyBytesMax: 255,
  /** Members of the path to an ordering key, below the data. */
  orderingKeyDepthMax: 16,

  /** Messages within messages in a request of the API. */
  requestDepthMax: 32,

  // Source addresses, as receivers are told of them.
  /** How long before an address is used, or is used no more, receivers are promised to be told. */
  addressNoticeMs: 30 * DAY_MS,
  /** When it is retired where nobody says when: what is announced at the same time is in use a day before. */
  addressRetireDefaultMs: 31 * DAY_MS,
  /** So long before an address is retired nothing new leaves from it. */
  addressDrainMs: MINUTE_MS,
  addressesPerPoolMax: 256,
  /** How far ahead a change of them may be announced. */
  addressAheadMaxMs: 366 * DAY_MS,
  /** Bits that the prefix of an announced range has at least. */
  addressPrefixIpv4Min: 16,
  addressPrefixIpv6Min: 32,

  // Retry schedules.
  retrySpanMinMs: SECOND_MS,
  retrySpanMaxMs: 14 * DAY_MS,
  /** Without a span of its own a delivery may wait at least this long, however short its schedule is. */
  retrySpanDefaultMinMs: 3 * DAY_MS,
  /** What such a span leaves above the schedule: for queues, holds and failures of our own. */
  retrySpanSlackMs: HOUR_MS,
  retryDelaysMax: 100,
  retryDelayMaxMs: 14 * DAY_MS,
  retryAttemptsMax: 1_000,
  retryBaseMinMs: 100,
  retryFactorMax: 10,
  retryJitterDefaultFraction: 0.1,
  retryAfterMinMs: SECOND_MS,
  /** The most that Retry-After may ask for, unless twice the schedule's own delay is longer. */
  retryAfterCapMs: HOUR_MS,
  internalFailuresMax: 20,
  internalBackoffBaseMs: SECOND_MS,
  internalBackoffCapMs: 5 * MINUTE_MS,

  // One attempt.
  attemptTimeoutMinMs: SECOND_MS,
  attemptTimeoutDefaultMs: 15 * SECOND_MS,
  attemptTimeoutMaxMs: 30 * SECOND_MS,
  connectTimeoutMs: 5 * SECOND_MS,
  responseHeadersTimeoutMs: 10 * SECOND_MS,
  responseHeaderBytes: 16 * KIB,
  responseReadBytes: 64 * KIB,
  responseExcerptBytes: 4 * KIB,

  // A lane, a pod.
  laneConcurrencyDefault: 16,
  laneConcurrencyMax: 256,
  /** Requests in flight to an endpoint that nothing is known of, and after a pause. */
  laneConcurrencyStart: 1,
  /** What is known of an endpoint's limit is forgotten when all of it was last in use this long ago. */
  laneConcurrencyKeptMs: MINUTE_MS,
  laneQueueMax: 1_000,
  /** Part of a rate limit's count that may start at once. */
  rateBurstFraction: 0.1,
  laneInFlightFraction: 0.05,
  /** What kinds of work have of a pod's requests in flight while all of them wait. */
  liveShareFraction: 0.7,
  retryShareFraction: 0.2,
  bulkShareFraction: 0.1,
  /** While less than this part of a pod is in use, kinds of work and tenants may have more than their own. */
  podLendFraction: 0.9,
  /** A tenant is counted on to come back for so long after another started something. */
  tenantKnownMs: MINUTE_MS,
  /** What endpoints that keep requests waiting may have of it at most; with those that are not known to answer, so much. */
  unansweredFraction: 0.25,
  unknownFraction: 0.5,
  /** An endpoint keeps requests waiting that has answered none for so long. */
  unansweredQuietMs: 250,
  /** A request that ended without an answer after less did not wait for it. */
  unansweredAfterMs: SECOND_MS,
  /** Requests to one host since its last answer, from which on all its endpoints are taken to keep them waiting. */
  hostQuietRequests: 16,
  /** Endpoints without a lane of which it is remembered whether they answer, and hosts: twice as many at most. */
  answeringKnownMax: 50_000,
  /** A delivery counts as one more turn for so many bytes. */
  turnBytes: 64 * KIB,
  /** What of the memory for queued deliveries those from `deliveries.bulk` may take. */
  bulkQueuedFraction: 0.25,
  /** How much of what may wait in a pod there may be while anything is read from `deliveries.bulk`. */
  bulkWaitingFraction: 0.5,
  podInFlightMax: 1_024,
  /** Deliveries that are started one after the other; then what has been answered comes before the next ones. */
  startsTogetherMax: 64,
  /** Records that a router writes one after the other, of wide events and of what has gathered; then all else has its turn. */
  routerWritesTogetherMax: 128,
  podInFlightBytesMax: 64 * MIB,
  /** What a router has read and not routed, and again what it has written and is not acknowledged. */
  routerOutstandingBytesDefault: 128 * MIB,
  /** What is in flight counts as well. Reading stops at `pauseAtFraction` of it, and goes on when no more is left than may be in flight. */
  podQueuedBytesMax: 96 * MIB,
  /** An endpoint is quiet that has answered nothing for so long, or may not be asked for so long; where there is little room, what it is sent is put. */
  crowdedQuietMs: 2 * SECOND_MS,
  /** What a delivery takes of that besides its bytes. */
  queuedOverheadBytes: 2 * KIB,
  /** What waits in memory may keep so many times alive of what is counted of it; else it gets bytes of its own. */
  keptAliveFactor: 2,
  /** A body of so many that is less than half of its answer gets memory of its own as it is read: copying it costs little beside sending it. */
  largeBodyBytes: 16 * KIB,
  /** Waiting deliveries, about 100 bytes of memory each. */
  podRowsMax: 2_000_000,
  pauseAtFraction: 0.8,
  resumeAtFraction: 0.5,

  // An endpoint that fails: its breaker, and its retries.
  /** Failures in a row after which its breaker opens. */
  breakerFailuresInRow: 10,
  /** Or this part of its attempts in this time, if there were so many. */
  breakerFailuresFraction: 0.5,
  breakerAttemptsMin: 20,
  breakerPeriodMs: MINUTE_MS,
  /** How long it is open the first time; twice as long after each request that asked in vain. */
  breakerOpenMinMs: 30 * SECOND_MS,
  breakerOpenMaxMs: 10 * MINUTE_MS,
  /** Each such time is lengthened by a random part of up to this fraction. */
  breakerJitterFraction: 0.2,
  /** How long it remembers that it was open. */
  breakerKeptMs: 10 * MINUTE_MS,
  /** Retries of an endpoint that mostly fails: this part of its first attempts, or one in this time if that is more. */
  retryBudgetFraction: 0.2,
  retryBudgetEveryMs: 10 * SECOND_MS,

  // A pod that reaches nobody.
  /** Whether requests get no answer by its own doing: votes of what ended within this time, or on a busy pod within this. */
  podVotesMs: 30 * SECOND_MS,
  podVotesBusyMs: 5 * SECOND_MS,
  /** Origins that have answered within this time vote, so many at most are known. */
  podVoterKnownMs: 15 * MINUTE_MS,
  podVotersMax: 100_000,
  podVotingOriginsMin: 10,
  podVotingTenantsMin: 3,
  podVotesFraction: 0.9,
  /** Votes are counted this often at most. */
  podJudgesEveryMs: 200,
  /** Between two requests of a pod that reaches nobody. */
  podAsksEveryMs: SECOND_MS,
  /** As long without a request, and it takes itself to reach somebody again. */
  podNothingToAskMs: MINUTE_MS,

  // Ownership, progress, waiting.
  slots: 4_096,
  offsetRangeMax: 10_000,
  /**
   * An offset range that is used by more than this may be held up: by its head where more than the second part of it is done. No more
   * than `rangeResumeAtFraction`: a full range between the two would be neither read on nor freed.
   */
  stuckUsedFraction: 0.5,
  stuckDoneFraction: 0.98,
  /** A range that was full is read on when no more than this is used. */
  rangeResumeAtFraction: 0.75,
  /** One of which more is used is held up by lanes when more than this part of it is done. */
  stuckLanesDoneFraction: 0.5,
  /** It is held up by lanes, too, when it has moved by less than this part of the bound in this time. */
  stuckMovedFraction: 0.1,
  stuckRangeMs: 5 * SECOND_MS,
  /** Part of the offset range, and of the memory for queued deliveries, above which a full lane's arrivals are put into a tier. */
  putArrivalsAtFraction: 0.5,
  /** Part of the offset range above which what is read for an endpoint that is quiet is put at once. */
  putQuietAtFraction: 0.25,
  progressEveryMs: SECOND_MS,
  progressEveryCompletions: 1_000,
  /** After an ordered delivery ended without a success, what stands behind it waits for a progress record: this long until it is written. */
  orderedProgressMs: 100,
  /** A first attempt waits in memory for its turn this long; then it is put, if the one before it waits in a tier. */
  orderedHoldMs: MINUTE_MS,
  /** Of those, at most so many in a second. */
  orderedPutsMax: 500,
  repeatLookBackMs: 2 * MINUTE_MS,
  repeatLookBackOffsetsMax: 10_000,
  /** Ids of a topic's partition that are remembered so that a router's repeat is known: more than a wide fan-out puts between the two. */
  recentKeysMax: 50_000,
  /** Endpoints of a partition that answered 410, as many as a progress record carries. */
  holdsToldMax: 1_000,
  /** A walk rests while a partition works on so many deliveries, or so many of the pod are not written. */
  walkActiveMax: 2_000,
  walkUnsettledMax: 512,
  walkPauseMs: 20,
  /** How long what frees an offset range or memory rests after each slice of 2 ms: puts by the thousand stay an eighth of the process's work. */
  sweepRestMs: 14,
  /** How long a lane waits for a configuration that is not read yet; then only what was routed by it waits on. */
  configWaitMaxMs: 10 * SECOND_MS,
  /** Between two looks at such a delivery: as long as it has lived, within these bounds. */
  configLookMinMs: SECOND_MS,
  configLookMaxMs: HOUR_MS,
  claimTombstoneMs: 15 * MINUTE_MS,
  /** No write travels longer: the broker closes a connection that is silent for 10 min (`connections.max.idle.ms`). */
  lateWriteMs: 15 * MINUTE_MS,
  /** What a takeover reads of `ownership` beyond that at first. */
  ownershipLookBackSlackMs: MINUTE_MS,
  /** What one answer of a broker holds of all partitions, and of one, but for a record that is larger. Two are asked for at a time. */
  fetchBytesMax: MIB,
  fetchPartitionBytesMax: 256 * KIB,
  /** What a pod holds of retry tiers that is read and not gone through yet. */
  podLoadingBytesMax: 8 * MIB,
  /** What the files of waiting deliveries may take of a pod's scratch disk. */
  storeBytesDefault: 8 * 1_024 * MIB,
  /** As many stores lost within this time, and for this time new ones are in memory, which may take so much. */
  storeLossesMax: 3,
  storeDistrustMs: 10 * MINUTE_MS,
  storeMemoryBytesMax: 256 * MIB,
  /** A progress record is written for nothing but a higher offset to load a tier from, at most this often. */
  loadFromToldMs: MINUTE_MS,
  tierShortWaitMs: MINUTE_MS,
  tierMediumWaitMs: HOUR_MS,
  sessionTimeoutMs: 30 * SECOND_MS,
  sessionTimeoutMaxMs: 5 * MINUTE_MS,
  /** Of routers. Their heir repeats what they had not committed; an owner knows a repeat by `repeatLookBackMs`. */
  routerSessionTimeoutMaxMs: 90 * SECOND_MS,
  heartbeatEveryMs: SECOND_MS,
  fenceFraction: 0.8,
  /** How often it is looked whether reading stands still; for how long it may before it is told of, and before a restart. */
  readStallLookEveryMs: 25 * SECOND_MS,
  readStallAlarmMs: 20 * SECOND_MS,
  readStallUnhealthyMs: 45 * SECOND_MS,
  drainSlackMs: 10 * SECOND_MS,
  /** How long a process that stops waits for a takeover that has not started anything yet. */
  takeoverStopMs: 5 * SECOND_MS,
  /** What a pod's termination grace period leaves above the drain limit. */
  graceAboveDrainMs: 20 * SECOND_MS,
  terminationGraceMs: MINUTE_MS,
  produceDeadlineMs: 20 * SECOND_MS,
  /** How far apart writes of attempts and dead letters begin: one costs as much as several deliveries, and nobody waits for it. */
  resultsApartMs: 5,
  /** Between two tries to write a record that the brokers refuse: doubled from the least to the most. */
  refusedWriteBackoffMinMs: SECOND_MS,
  refusedWriteBackoffMaxMs: MINUTE_MS,
  /** A clock of another machine may be ahead of ours by this much without anyone being at fault. */
  clocksApartMaxMs: MINUTE_MS,
  /** By more than this a clock is not taken for right against what brokers say: receivers reject signatures that are minutes off. */
  clockOffMaxMs: 5 * SECOND_MS,
  /** Another broker that finds it right within this time is believed instead. */
  clockFoundRightMs: 10 * SECOND_MS,

  // Questions of the person on call.
  /** The proof of a call between services is worth something for this long before and after it was made. */
  callProofKeptMs: 5 * MINUTE_MS,
  /** Proofs of calls that a process remembers so that none is good for a second call; beyond, calls are refused. */
  callProofsKeptMax: 50_000,
  /** Of calls that are numbered by who makes them: so many at least that may be under way at once. */
  callProofNumbersKept: 4_096,
  /** Deliveries of a lane that are looked at one by one for one answer, of those in tiers and of those in memory. */
  backlogCountedMax: 10_000,
  /** Calls that a dispatcher answers at once; more wait in their connections. */
  questionsAtOnceMax: 16,

  // The done-filter: a hint in Redis, never waited for.
  /** How long it remembers that a delivery was taken by its endpoint. */
  doneKeptMs: 10 * MINUTE_MS,
  /** An answer that takes longer is no answer. */
  doneTimeoutMs: 50,
  /** Calls that may fail in a row before Redis is left alone for a while. */
  doneFailuresMax: 5,
  doneLeftAloneMinMs: SECOND_MS,
  doneLeftAloneMaxMs: 30 * SECOND_MS,
  /** Keys that wait to be noted; what comes on top is not noted. */
  doneQueueMax: 10_000,
  /** Keys of one call. */
  doneBatchMax: 500,

  // The cap of a destination, which all endpoints there share.
  destinationRateMax: 100_000,
  /** Whoever was given a turn and does not start within this time has lost it. */
  destinationTurnKeptMs: SECOND_MS,
  /** Between two questions for turns at one destination, at least. */
  destinationAskEveryMs: 10,
  /** Who asked for a turn is counted as waiting for this much longer than it was told to wait. */
  destinationAskSlackMs: 250,
  /** After this long it is looked again which address a host has. */
  destinationAddressKeptMs: 10 * SECOND_MS,
  /** Hosts whose address is remembered. */
  destinationAddressesMax: 100_000,

  // The audit.
  /** Characters of a value before and after a change, as JSON; what is longer is cut, and says so. */
  auditValueCharsMax: 4_096,
  /** How long entries are kept when nobody says otherwise, and at least. */
  auditRetentionMs: 400 * DAY_MS,
  auditRetentionMinMs: 30 * DAY_MS,
});

/** The set of limits, as numbers by name. */
export type Limits = { readonly [name in keyof typeof limits]: number };

/** How long a pod may finish what is in flight once it has to give up a partition (ms). */
export function drainLimitMs(values: Limits = limits): number {
  return values.attemptTimeoutMaxMs + values.drainSlackMs;
}
