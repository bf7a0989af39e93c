-- The end of a call: its events join the stream, and what it used takes the place of what it reserved.
--
-- KEYS: the stream, then a key for each guard.
-- ARGV: the stream's field; the events, or '' for none; the reservation's id; then four for each guard:
--   'w', the second in which it was reserved, what to add (may be negative), ''  for a window;
--   'g', what was reserved, what was spent, ''  for a gauge.
-- Gives the stream's id of the events or '', then what is spent in each gauge, and 0 for a window.

local BUCKETS = 61

local entry = ''
if ARGV[2] ~= '' then entry = redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2]) end
local id = ARGV[3]
local now_s = tonumber(redis.call('TIME')[1])

-- Into the bucket that it was reserved in while that one counts. Beyond it, what was used above the
-- reservation still counts, from now on.
local function window_settle(key, second, delta)
  local last = tonumber(redis.call('HGET', key, 'l') or 0)
  if last == 0 or delta == 0 then return end
  local at = second > last - BUCKETS and second or (delta > 0 and last)
  if not at then return end
  redis.call('HINCRBY', key, tostring(at % BUCKETS), delta)
  redis.call('HINCRBY', key, 't', delta)
end

local reply = {entry}
for i = 2, #KEYS do
  local key, at = KEYS[i], 4 + (i - 2) * 4
  if ARGV[at] == 'w' then
    window_settle(key, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
    reply[#reply + 1] = 0
  else
    local reserved, spent = ARGV[at + 1], tonumber(ARGV[at + 2])
    if redis.call('ZREM', key .. ':o', id .. '|' .. reserved) == 1 then
      redis.call('HINCRBY', key, 'r', -tonumber(reserved))
    end
    local state = redis.call('HMGET', key, 'g', 'b')
    if spent > 0 then
      if state[1] then redis.call('HINCRBY', key, 's', ARGV[at + 2]) end
      if state[2] then
        redis.call('HINCRBY', key .. ':p', id, ARGV[at + 2])
        redis.call('PEXPIRE', key .. ':p', 3600000)
      end
    end
    reply[#reply + 1] = tonumber(redis.call('HGET', key, 's') or 0)
  end
end
return reply
