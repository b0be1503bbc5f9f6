-- One claim on all counted limits of an order: either none is exceeded beyond what was confirmed and all are counted, or nothing is.
-- KEYS[i] belongs to checks[i]. ARGV[1]: JSON {claim, is_dry, checks: [{kind, limit, amount, is_free, window}]}, times in microseconds.
-- Answer: {state, actual…}. state 0: not counted, 1: counted, 2: a day is not seeded (the next number tells which check).
local spec = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer, may_count = { 0 }, not spec.is_dry
for index, check in ipairs(spec.checks) do
  local key, actual, is_exceeded = KEYS[index], 0, false
  if check.kind == 'day' then
    if redis.call('HEXISTS', key, 'seeded') == 0 then return { 2, index } end
    actual = tonumber(redis.call('HGET', key, 'total') or '0')
    if redis.call('HEXISTS', key, 'claim:' .. spec.claim) == 0 then actual = actual + check.amount end
    is_exceeded = actual > check.limit
  elseif check.kind == 'rate' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - 60000000)
    actual = redis.call('ZCOUNT', key, '(' .. string.format('%.0f', now - check.window), '+inf') + 1
    is_exceeded = actual > check.limit
  else
    local last = redis.call('GET', key)
    if last then
      local at, claim = string.match(last, '^(%d+) (.*)$')
      actual = now - tonumber(at)
      is_exceeded = claim ~= spec.claim and actual < check.window
    end
    if not is_exceeded then actual = -1 end
  end
  answer[index + 1] = actual
  if is_exceeded and not check.is_free then may_count = false end
end
if not may_count then return answer end
for index, check in ipairs(spec.checks) do
  local key = KEYS[index]
  if check.kind == 'day' then
    if redis.call('HSETNX', key, 'claim:' .. spec.claim, check.amount) == 1 then redis.call('HINCRBY', key, 'total', check.amount) end
  elseif check.kind == 'rate' then
    redis.call('ZADD', key, now, spec.claim)
    redis.call('PEXPIRE', key, 61000)
  else
    redis.call('SET', key, string.format('%.0f', now) .. ' ' .. spec.claim, 'PX', math.ceil(check.window / 1000))
  end
end
answer[1] = 1
return answer
