import { createHash } from 'node:crypto';
import { limits, ratePace } from '@postrider/core';

/** What tenants were given, and in how long there is more. */
export interface Taken {
  readonly granted: ReadonlyMap<string, number>;
  readonly waitMs: number;
}

/** A rate that processes share. It may be slow or gone at any time. */
export interface SharedRate {
  /**
   * Takes starts at what is called `name`, of which there are `perSecond` a second, for tenants who want so many. Tenants
   * who wait take turns, in whatever processes they wait. Rejects when it is not sure what was taken.
   */
  take(name: string, perSecond: number, wanted: ReadonlyMap<string, number>): Promise<Taken>;
}

/** A rate on a store of which others may read the keys: nothing of a tenant leaves but a hash. */
export function hashedRate(rate: SharedRate, scope: string): SharedRate {
  const hash = (text: string): string =>
    createHash('sha256').update(`${scope}\n${text}`).digest('base64url').slice(0, 22);
  return {
    async take(name, perSecond, wanted) {
      const hashes = new Map(wanted.keys().map((tenant) => [tenant, hash(tenant)]));
      const hashed = new Map([...wanted].map(([tenant, count]) => [hashes.get(tenant) ?? '', count]));
      // In braces: a cluster of Redis keeps them together.
      const { granted, waitMs } = await rate.take(`postrider:cap:{${hash(name)}}`, perSecond, hashed);
      return { granted: new Map([...hashes].map(([tenant, own]) => [tenant, granted.get(own) ?? 0])), waitMs };
    },
  };
}

/**
 * Runs inside Redis, in one piece. A token bucket as in `rate-limit.ts`, and start-time fair queueing over the tenants who
 * wait: each has a count of its turns, who has the least is next, and nobody is further ahead of it than what may start at
 * once. Who comes anew starts from where the others are; who is ahead stays ahead. Who waits and does not come again loses
 * its place. Times in µs.
 *
 * KEYS: rate {at, turn}; waits: tenant → turns; ahead: of those who do not wait; until: tenant → time.
 * ARGV: spacing, tolerance, burst, slack, then tenant, wanted, … Answers: wait, then what each was given.
 */
export const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local spacing, tolerance, burst, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local at = math.max(tonumber(redis.call('HGET', KEYS[1], 'at') or '0'), now)
local turn = tonumber(redis.call('HGET', KEYS[1], 'turn') or '0')

local function leave(tenant, turns)
  redis.call('ZREM', KEYS[2], tenant)
  redis.call('HDEL', KEYS[4], tenant)
  if turns > turn then redis.call('ZADD', KEYS[3], turns, tenant) end
end

local asks = {}
for i = 5, #ARGV, 2 do
  local tenant = ARGV[i]
  local turns = tonumber(redis.call('ZSCORE', KEYS[2], tenant) or '-1')
  if turns < 0 then
    turns = math.max(tonumber(redis.call('ZSCORE', KEYS[3], tenant) or '0'), turn)
    redis.call('ZREM', KEYS[3], tenant)
    redis.call('ZADD', KEYS[2], turns, tenant)
  end
  redis.call('HSET', KEYS[4], tenant, now + slack)
  asks[#asks + 1] = { tenant = tenant, turns = turns, left = tonumber(ARGV[i + 1]), given = 0 }
end

local function least()
  while true do
    local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
    if #first == 0 then return nil end
    if tonumber(redis.call('HGET', KEYS[4], first[1]) or '0') >= now then return tonumber(first[2]) end
    leave(first[1], tonumber(first[2]))
  end
end

while at - tolerance <= now do
  local best = nil
  for _, ask in ipairs(asks) do
    if ask.left > 0 and (best == nil or ask.turns < best.turns) then best = ask end
  end
  if best == nil then break end
  local first = least()
  if best.turns > first + burst then break end
  turn = math.max(turn, first)
  best.turns = best.turns + 1
  best.left = best.left - 1
  best.given = best.given + 1
  redis.call('ZADD', KEYS[2], best.turns, best.tenant)
  if best.left == 0 then leave(best.tenant, best.turns) end
  at = at + spacing
end

local wait = math.max(0, at - tolerance - now)
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', at), 'turn', string.format('%.0f', turn))
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', turn)
local answer = { math.ceil(wait) }
for _, ask in ipairs(asks) do
  if ask.left > 0 then redis.call('HSET', KEYS[4], ask.tenant, string.format('%.0f', now + wait + slack)) end
  answer[#answer + 1] = ask.given
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, 60000) end
return answer
`;

/** The numbers of the script's arguments: a rate as the script is told of it. */
export function takeNumbers(perSecond: number): readonly number[] {
  const { spacingMs, toleranceMs, burst } = ratePace(perSecond, 1_000);
  const micros = (ms: number): number => Math.ceil(ms * 1_000);
  return [micros(spacingMs), micros(toleranceMs), burst, micros(limits.destinationAskSlackMs)];
}
