-- One visit to the line of callers under one limit: take a place or a number, give free places to whoever is next.
--
-- KEYS[1]  the line; beside it stand
--   :busy    sorted set, calls under way -> when they were let go (us of the Redis clock)
--   :done    sorted set, calls answered less than a window ago -> when their place is free again
--   :recent  sorted set, calls of rank 1 and below in the last burst span -> when they were let go
--   :wait    sorted set, waiting tickets -> rank * RANK + turn, so the next one of a rank comes first
--   :owners  sorted set, processes that wait -> until when they count as alive
--   :meta    hash: v<rank> turn of the last one let go, u<rank><asker> last turn given to an asker, s<rank> times passed over, n counter
--   :pause   until when nobody is let go (a gateway refused)
-- ARGV     owner, ticket ("" only looks), rank, asker, longest wait (us), calls, window (us), late (us), burst calls, burst span (us),
--          capacity of rank 0..3, times that rank 1..3 may be passed over, life of an owner (ms)
-- Returns  {state, us, ticket...}: state 0 refused (us: how far off a place is), 1 let go (us: places used), 2 waiting (us: look again
--          after); then this owner's tickets that were let go

local RANK = 1000000
local HEARTBEAT, SOON = 250000, 20000

local line = KEYS[1]
local busy, done, recent, wait = line .. ':busy', line .. ':done', line .. ':recent', line .. ':wait'
local owners, meta = line .. ':owners', line .. ':meta'
local owner, ticket, rank = ARGV[1], ARGV[2], tonumber(ARGV[3])
local calls, window, late = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local burst, span = tonumber(ARGV[9]), tonumber(ARGV[10])
local capacity = {[0] = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])}
local patience = {tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])}

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local keep = math.ceil((window + late) / 1000) + 1000

local function text(number)
  return string.format('%.0f', number)
end

-- a call of which nothing was heard counts as if it had reached the broker `late` after it was let go
redis.call('ZREMRANGEBYSCORE', busy, '-inf', text(now - window - late))
redis.call('ZREMRANGEBYSCORE', done, '-inf', text(now))
local used = redis.call('ZCARD', busy) + redis.call('ZCARD', done)
local lately = 0
if burst > 0 then
  redis.call('ZREMRANGEBYSCORE', recent, '-inf', text(now - span))
  lately = redis.call('ZCARD', recent)
end
local paused_until = tonumber(redis.call('GET', line .. ':pause') or 0)

-- who has been passed over long enough may also use the places that are kept for others
local function has_room(of_rank, is_overdue)
  if now < paused_until or used >= (is_overdue and calls or capacity[of_rank]) then
    return false
  end
  return of_rank == 0 or burst == 0 or lately < burst
end

local function let_go(name, of_rank)
  redis.call('ZADD', busy, text(now), name)
  redis.call('PEXPIRE', busy, keep)
  if burst > 0 and of_rank > 0 then
    redis.call('ZADD', recent, text(now), name)
    redis.call('PEXPIRE', recent, keep)
  end
end

if ticket ~= '' and redis.call('EXISTS', wait) == 0 and has_room(rank, false) then
  let_go(ticket, rank)
  return {1, used + 1}
end

-- Take a number. An asker's tickets get one turn each after the last one let go, so askers of a rank go round.
local score = nil
if ticket ~= '' then
  local known = redis.call('HMGET', meta, 'v' .. rank, 'u' .. rank .. ARGV[4])
  local turn = math.max(tonumber(known[1] or 0), tonumber(known[2] or 0)) + 1
  local counter = redis.call('HINCRBY', meta, 'n', 1)
  score = rank * RANK + turn + (counter % 100000) / 100000
  redis.call('ZADD', wait, string.format('%.17g', score), ticket)
  redis.call('HSET', meta, 'u' .. rank .. ARGV[4], turn)
end

-- What dead processes left behind goes out of the line.
redis.call('ZADD', owners, text(now + tonumber(ARGV[18]) * 1000), owner)
local dead = redis.call('ZRANGEBYSCORE', owners, '-inf', text(now))
if #dead > 0 then
  local is_dead = {}
  for _, name in ipairs(dead) do
    is_dead[name] = true
  end
  for _, name in ipairs(redis.call('ZRANGE', wait, 0, -1)) do
    if is_dead[string.match(name, '^[^.]*')] then
      redis.call('ZREM', wait, name)
    end
  end
  redis.call('ZREMRANGEBYSCORE', owners, '-inf', text(now))
end

-- Let go whoever is next. Only the owner itself takes a place; one that is next elsewhere is left to its own process, which looks at the
-- same instant.
local used_for_certain = used
local mine, left_for_others = {}, 0
local room = calls - used
if room > 0 and now >= paused_until then
  local rows, at = {}, {}
  for r = 0, 3 do
    rows[r] = redis.call('ZRANGEBYSCORE', wait, r * RANK, '(' .. (r + 1) * RANK, 'WITHSCORES', 'LIMIT', 0, room)
    at[r] = 1
  end
  local read = redis.call('HMGET', meta, 's1', 's2', 's3')
  local passed_over = {tonumber(read[1] or 0), tonumber(read[2] or 0), tonumber(read[3] or 0)}
  while true do
    local pick = nil
    for r = 3, 1, -1 do
      if rows[r][at[r]] and passed_over[r] >= patience[r] and has_room(r, true) then
        pick = r
        break
      end
    end
    for r = 0, 3 do
      if not pick and rows[r][at[r]] and has_room(r, false) then
        pick = r
      end
    end
    if not pick then
      break
    end
    local name, turn = rows[pick][at[pick]], tonumber(rows[pick][at[pick] + 1]) - pick * RANK
    at[pick] = at[pick] + 2
    used = used + 1
    if pick > 0 then
      lately = lately + 1
      passed_over[pick] = 0
    end
    for r = pick + 1, 3 do
      if rows[r][at[r]] then
        passed_over[r] = passed_over[r] + 1
      end
    end
    if string.match(name, '^[^.]*') == owner then
      let_go(name, pick)
      redis.call('ZREM', wait, name)
      used_for_certain = used_for_certain + 1
      mine[#mine + 1] = name
      redis.call('HSET', meta, 'v' .. pick, math.floor(turn))
      if pick > 0 then
        redis.call('HSET', meta, 's' .. pick, 0)
      end
      for r = pick + 1, 3 do
        if rows[r][at[r]] then
          redis.call('HINCRBY', meta, 's' .. r, 1)
        end
      end
    else
      left_for_others = left_for_others + 1
    end
  end
end

local answer = {2, 0}
for _, name in ipairs(mine) do
  answer[#answer + 1] = name
  if name == ticket then
    answer[1], answer[2] = 1, used_for_certain
  end
end

-- How far off is the place of the one who asked? Told at once where it is too far.
if answer[1] == 2 and ticket ~= '' then
  local free_at = {}
  for _, key in ipairs({busy, done}) do
    local raw = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 2, #raw, 2 do
      free_at[#free_at + 1] = key == busy and math.max(tonumber(raw[i]) + window, now) or tonumber(raw[i])
    end
  end
  table.sort(free_at)
  local ahead = redis.call('ZCOUNT', wait, '-inf', '(' .. string.format('%.17g', score))
  local needed = used_for_certain + ahead + 1 - capacity[rank]
  local off = math.max(0, paused_until - now)
  if needed > 0 then
    local rounds = math.floor((needed - 1) / capacity[rank])
    local first = free_at[(needed - 1) % capacity[rank] + 1] or now
    off = math.max(off, first - now + rounds * window)
  end
  if off > tonumber(ARGV[5]) or (tonumber(ARGV[5]) == 0) then
    redis.call('ZREM', wait, ticket)
    local own = 'u' .. rank .. ARGV[4]
    redis.call('HINCRBY', meta, own, -1)
    answer[1], answer[2] = 0, math.max(off, SOON)
  end
end

if redis.call('EXISTS', wait) == 0 then
  redis.call('DEL', meta, owners)
else
  for _, key in ipairs({wait, meta, owners}) do
    redis.call('PEXPIRE', key, 60000)
  end
end

-- When can the next place be free? Never later than told: who looks too early looks again.
if answer[1] == 2 then
  local next_look = now + HEARTBEAT
  local function not_after(instant)
    next_look = math.min(next_look, math.max(instant, now + 1000))
  end
  if now < paused_until then
    not_after(paused_until)
  else
    local first_done = redis.call('ZRANGE', done, 0, 0, 'WITHSCORES')
    if first_done[2] then
      not_after(tonumber(first_done[2]))
    end
    local first_busy = redis.call('ZRANGE', busy, 0, 0, 'WITHSCORES')
    if first_busy[2] then
      local upto = tonumber(first_busy[2]) + window
      not_after(upto > now and upto or now + SOON)
    end
    if burst > 0 and lately >= burst then
      local first_recent = redis.call('ZRANGE', recent, 0, 0, 'WITHSCORES')
      not_after(first_recent[2] and tonumber(first_recent[2]) + span or now + SOON)
    end
    if left_for_others > 0 then
      not_after(now + SOON)
    end
  end
  answer[2] = next_look - now
end
return answer
