-- What became of calls, of several lines at once.
--
-- KEYS     lines
-- ARGV     for each line: window (us), number of calls answered, for each its ticket and how long ago (us), number of tickets given back,
--          these
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local at = 1
for _, line in ipairs(KEYS) do
  local window = tonumber(ARGV[at])
  local answered = tonumber(ARGV[at + 1])
  local upto = at + 1 + 2 * answered
  for i = at + 2, upto, 2 do
    -- the broker counted it before it answered: its place is free a window after that. One that is no longer known is free already.
    if redis.call('ZREM', line .. ':held', ARGV[i]) == 1 then
      redis.call('ZADD', line .. ':held', now - tonumber(ARGV[i + 1]) + window, '=' .. ARGV[i])
    end
  end
  if answered > 0 then
    redis.call('PEXPIRE', line .. ':held', math.ceil(window / 1000) + 2000)
  end
  local dropped = tonumber(ARGV[upto + 1])
  for i = upto + 2, upto + 1 + dropped do
    redis.call('ZREM', line .. ':wait', ARGV[i])
    redis.call('ZREM', line .. ':held', ARGV[i])
  end
  at = upto + 2 + dropped
end
return now
