-- May this call be made now? All of its limits and budgets at once, or none.
--
-- KEYS: the versions of the tenant's and the platform's configuration, then a key for each guard.
-- ARGV: the two versions that the caller knows, or '' where they need no look; the reservation's id;
--   how long it lasts without a renewal (ms); then five for each guard:
--   'w', the limit, the amount, '', '' for a window of a minute;
--   'g', the limit or '', the amount, the generation or '', how long the key is kept (ms) or 0 for a gauge.
-- Gives {'S', version, version} where the configuration may have changed; {'M', guard} where a gauge must
-- be made from the ledger first; {'R', guard, wait in ms or -1, what is left, ms until a window is empty}
-- for a refusal; else
-- {'A', now in s, then what is left under each guard}. Guards are counted from 0.

local BUCKETS = 61

if ARGV[1] ~= '' then
  local published = redis.call('MGET', KEYS[1], KEYS[2])
  for i = 1, 2 do
    local version = published[i]
    if not version or not string.match(version, '^%d+$') or tonumber(version) > tonumber(ARGV[i]) then
      return {'S', published[1], published[2]}
    end
  end
end

local time = redis.call('TIME')
local now_s = tonumber(time[1])
local now_ms = now_s * 1000 + math.floor(tonumber(time[2]) / 1000)
local id, lease_ms = ARGV[3], tonumber(ARGV[4])

-- Drops the buckets that are older than a minute; gives the sum of all, and the present one.
local function window_turn(key)
  local state = redis.call('HMGET', key, 't', 'l', tostring(now_s % BUCKETS))
  local total, last = tonumber(state[1] or 0), tonumber(state[2] or now_s)
  if last == now_s then return total, tonumber(state[3] or 0) end
  if last > now_s then
    now_s = last
    return total, tonumber(redis.call('HGET', key, tostring(now_s % BUCKETS)) or 0)
  end
  if now_s - last >= BUCKETS then
    redis.call('DEL', key)
    return 0, 0
  end
  local gone = {}
  for second = last + 1, now_s do gone[#gone + 1] = tostring(second % BUCKETS) end
  for _, count in ipairs(redis.call('HMGET', key, unpack(gone))) do
    if count then total = total - tonumber(count) end
  end
  redis.call('HDEL', key, unpack(gone))
  redis.call('HSET', key, 't', total, 'l', now_s)
  redis.call('EXPIRE', key, BUCKETS + 60)
  return total, 0
end

-- How long until so much of the window has gone by, in ms.
local function window_wait(key, needed)
  for second = now_s - BUCKETS + 1, now_s do
    needed = needed - tonumber(redis.call('HGET', key, tostring(second % BUCKETS)) or 0)
    if needed <= 0 then return (second + BUCKETS) * 1000 - now_ms end
  end
  return -1
end

-- How long until all of the window has gone by, in ms.
local function window_reset(key)
  for second = now_s, now_s - BUCKETS + 1, -1 do
    if tonumber(redis.call('HGET', key, tostring(second % BUCKETS)) or 0) > 0 then
      return (second + BUCKETS) * 1000 - now_ms
    end
  end
  return 0
end

-- Frees what expired; gives how much that was, and when to look again: the earliest moment at which
-- one of those that are left, or of those to come, can expire.
local function gauge_sweep(key)
  local open, freed = key .. ':o', 0
  local expired = redis.call('ZRANGEBYSCORE', open, '-inf', now_ms, 'LIMIT', 0, 1000)
  while #expired > 0 do
    for _, member in ipairs(expired) do freed = freed + tonumber(string.match(member, '|(%d+)$')) end
    redis.call('ZREM', open, unpack(expired))
    expired = redis.call('ZRANGEBYSCORE', open, '-inf', now_ms, 'LIMIT', 0, 1000)
  end
  local first = redis.call('ZRANGE', open, 0, 0, 'WITHSCORES')
  return freed, first[2] and tonumber(first[2]) or now_ms + lease_ms
end

local function gauge_reserved(key)
  local sum = 0
  for _, member in ipairs(redis.call('ZRANGE', key .. ':o', 0, -1)) do
    sum = sum + tonumber(string.match(member, '|(%d+)$'))
  end
  return sum
end

local found = {}
for i = 3, #KEYS do
  local key, at = KEYS[i], 5 + (i - 3) * 5
  local limit, amount = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if ARGV[at] == 'w' then
    local total, bucket = window_turn(key)
    if total + amount > limit then
      local wait = amount > limit and -1 or window_wait(key, total + amount - limit)
      return {'R', i - 3, wait, math.max(limit - total, 0), window_reset(key)}
    end
    found[i] = {total + amount, bucket + amount, limit - total - amount}
  else
    local state = redis.call('HMGET', key, 's', 'r', 'g', 'e')
    local generation = tonumber(ARGV[at + 3])
    if generation and (not state[3] or tonumber(state[3]) < generation) then return {'M', i - 3} end
    local reserved, is_swept = tonumber(state[2] or 0), false
    if not state[4] or now_ms >= tonumber(state[4]) then
      local freed, look_at = gauge_sweep(key)
      reserved, is_swept = state[4] and reserved - freed or gauge_reserved(key), true
      redis.call('HSET', key, 'r', string.format('%.0f', reserved), 'e', look_at)
    end
    local taken = tonumber(state[1] or 0) + reserved
    if limit and taken + amount > limit then
      return {'R', i - 3, -1, math.max(limit - taken, 0), 0}
    end
    found[i] = {reserved + amount, is_swept, limit and limit - taken - amount or 0}
  end
end

local reply = {'A', now_s}
for i = 3, #KEYS do
  local key, at = KEYS[i], 5 + (i - 3) * 5
  local amount = ARGV[at + 2]
  if ARGV[at] == 'w' then
    local total, bucket = found[i][1], found[i][2]
    redis.call('HSET', key, 't', total, tostring(now_s % BUCKETS), bucket, 'l', now_s)
    if total == tonumber(amount) then redis.call('EXPIRE', key, BUCKETS + 60) end
  else
    local open, keep_ms = key .. ':o', tonumber(ARGV[at + 4])
    redis.call('ZADD', open, now_ms + lease_ms, id .. '|' .. amount)
    redis.call('HSET', key, 'r', string.format('%.0f', found[i][1]))
    if keep_ms > 0 then
      redis.call('PEXPIRE', open, keep_ms)
      if found[i][2] then redis.call('PEXPIRE', key, keep_ms) end
    end
  end
  reply[#reply + 1] = found[i][3]
end
return reply
