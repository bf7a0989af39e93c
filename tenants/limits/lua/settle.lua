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

-- Into the bucket that it was reserved in while that one counts. Beyond it, what was used above the
-- reservation still counts, from now on.
local function window_settle(key, second, delta)
  local state = redis.call('HMGET', key, 'l', 't', tostring(second % BUCKETS))
  local last = tonumber(state[1] or 0)
  if last == 0 then return end
  if second > last - BUCKETS then
    local bucket = tonumber(state[3] or 0) + delta
    redis.call('HSET', key, 't', tonumber(state[2] or 0) + delta, tostring(second % BUCKETS), bucket)
  elseif delta > 0 then
    redis.call('HINCRBY', key, tostring(last % BUCKETS), delta)
    redis.call('HINCRBY', key, 't', delta)
  end
end

-- Gives what is spent by now.
local function gauge_settle(key, reserved, amount)
  local state = redis.call('HMGET', key, 's', 'r', 'g', 'b')
  local spent, was = tonumber(state[1] or 0), tonumber(state[2] or 0)
  local is_open = redis.call('ZREM', key .. ':o', id .. '|' .. reserved) == 1
  if is_open then was = was - tonumber(reserved) end
  if state[3] then spent = spent + amount end
  if is_open or (state[3] and amount > 0) then
    redis.call('HSET', key, 's', string.format('%.0f', spent), 'r', string.format('%.0f', was))
  end
  if state[4] and amount > 0 then
    redis.call('HINCRBY', key .. ':p', id, string.format('%.0f', amount))
    redis.call('PEXPIRE', key .. ':p', 3600000)
  end
  return spent
end

local reply = {entry}
for i = 2, #KEYS do
  local key, at = KEYS[i], 4 + (i - 2) * 4
  if ARGV[at] == 'w' then
    window_settle(key, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
    reply[#reply + 1] = 0
  else
    reply[#reply + 1] = gauge_settle(key, ARGV[at + 1], tonumber(ARGV[at + 2]))
  end
end
return reply
