-- Book the earliest place for one call under a sliding-window limit that all processes share.
--
-- KEYS[1]  sorted set of booked instants (microseconds of the Redis clock); future ones are callers that wait
-- ARGV     capacity, window (us), longest wait (us), unique suffix
-- Returns  {1, wait in us} when booked; {0, wait in us} when the earliest place lies too far off (nothing is booked)
--
-- A place at t is free when no group of capacity + 1 bookings that holds t fits into less than one window.

local capacity = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
local longest = tonumber(ARGV[3])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local raw = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local booked = {}
for i = 2, #raw, 2 do
  booked[#booked + 1] = tonumber(raw[i])
end

-- `before` bookings stand at or before t; a new one would be number before + 1 of the merged row
local function is_free(t, before)
  for first = math.max(1, before + 1 - capacity), before + 1 do
    local last = first + capacity  -- in the merged row
    if last <= #booked + 1 then
      local from = first <= before and booked[first] or t
      local upto = last == before + 1 and t or booked[last - 1]
      if upto - from < window then
        return false
      end
    end
  end
  return true
end

local function bookings_until(t)
  local low, high = 0, #booked
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if booked[middle] <= t then low = middle else high = middle - 1 end
  end
  return low
end

local place = nil
if is_free(now, bookings_until(now)) then
  place = now
else
  for i = 1, #booked do
    local t = booked[i] + window
    if t > now and is_free(t, bookings_until(t)) then
      place = t
      break
    end
  end
end

local wait = place - now
if wait > longest then
  return {0, wait}
end
redis.call('ZADD', KEYS[1], string.format('%.0f', place), string.format('%.0f', place) .. ':' .. ARGV[4])
local last = math.max(place, booked[#booked] or place)
redis.call('PEXPIRE', KEYS[1], math.ceil((last - now + window) / 1000) + 1000)
return {1, wait}
