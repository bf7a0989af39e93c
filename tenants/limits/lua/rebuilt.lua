-- A gauge made anew from the ledger, unless another process was first.
--
-- KEYS: the gauge. ARGV: the generation; what the ledger says was spent; how long the key is kept (ms) or
-- 0; how many ids follow: of calls that were settled meanwhile and stand in the ledger's figure already;
-- these; then, for each reservation that is held in the database, its id, amount and lifetime (ms).

local key, generation = KEYS[1], tonumber(ARGV[1])
local open, pending = key .. ':o', key .. ':p'
local known = tonumber(redis.call('HGET', key, 'g') or -1)
if known >= generation then
  redis.call('HDEL', key, 'b')
  redis.call('DEL', pending)
  return 0
end
local count = tonumber(ARGV[4])
local in_ledger = {}
for i = 5, 4 + count do in_ledger[ARGV[i]] = true end

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 5 + count, #ARGV, 3 do
  redis.call('ZADD', open, 'NX', now_ms + tonumber(ARGV[i + 2]), ARGV[i] .. '|' .. ARGV[i + 1])
end

redis.call('HSET', key, 'g', ARGV[1], 's', ARGV[2])
local later = redis.call('HGETALL', pending)
for i = 1, #later, 2 do
  if not in_ledger[later[i]] then redis.call('HINCRBY', key, 's', later[i + 1]) end
end
redis.call('ZREMRANGEBYSCORE', open, '-inf', now_ms)
local reserved = 0
for _, member in ipairs(redis.call('ZRANGE', open, 0, -1)) do
  reserved = reserved + tonumber(string.match(member, '|(%d+)$'))
end
redis.call('HSET', key, 'r', string.format('%.0f', reserved))
redis.call('HDEL', key, 'b', 'e')
redis.call('DEL', pending)
local keep_ms = tonumber(ARGV[3])
if keep_ms > 0 then
  redis.call('PEXPIRE', key, keep_ms)
  redis.call('PEXPIRE', open, keep_ms)
end
return 1
