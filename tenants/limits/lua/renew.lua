-- Reservations of calls that are still running last longer. One that has expired stays so.
-- KEYS: a gauge for each. ARGV: how long from now (ms), then `id|amount` for each.

local time = redis.call('TIME')
local expires = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
for i, key in ipairs(KEYS) do redis.call('ZADD', key .. ':o', 'XX', expires, ARGV[i + 1]) end
return #KEYS
