-- One visit to the line of callers under one limit: take a place or a number, give free places to whoever is next.
--
-- KEYS[1]  the line; beside it stand
--   :held    sorted set, places taken -> when they fall free (us of the Redis clock). A ticket: a call under way, of which nothing was
--            heard yet; "=" and a ticket: a call whose answer was reported
--   :recent  when the last calls were let go, oldest first, as many as a burst may have
--   :pause   until when nobody is let go (a gateway refused)
--   :wait    sorted set, waiting tickets -> rank * RANK + turn, so the next one of a rank comes first
--   :owners  sorted set, processes that wait -> until when they count as alive
--   :meta    hash: v<rank> turn of the last one let go, u<rank><asker> last turn given to an asker, s<rank> times passed over, n counter
-- ARGV     ticket ("owner.serial"; "owner." only looks), rank, asker, longest wait (us), the rule: MessagePack of calls, window (us),
--          late (us), burst calls, burst span (us), capacities of ranks 0 to 3, times that ranks 1 to 3 may be passed over, life of an
--          owner (us)
-- Returns  {state, us, ticket...}: state 0 refused (us: how far off a place is), 1 let go (us: places taken), 2 waiting (us: look again
--          after); then this owner's tickets that were let go

local RANK = 1000000
local HEARTBEAT, SOON = 250000, 20000

local line, ticket, rank = KEYS[1], ARGV[1], tonumber(ARGV[2])
local held, wait = line .. ':held', line .. ':wait'
local rule = cmsgpack.unpack(ARGV[5])
local calls, window, late, burst, span = rule[1], rule[2], rule[3], rule[4], rule[5]

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
local used = redis.call('ZCARD', held)
local state = redis.call('MGET', line .. ':pause', line .. ':recent')
local paused_until = tonumber(state[1] or 0)
local recent = burst > 0 and state[2] and cmsgpack.unpack(state[2]) or {}
local lately = 0
for _, instant in ipairs(recent) do
  if instant > now - span then
    lately = lately + 1
  end
end

-- who has been passed over long enough may also use the places that are kept for others
local function has_room(of_rank, is_overdue)
  if now < paused_until or used >= (is_overdue and calls or rule[6 + of_rank]) then
    return false
  end
  return of_rank == 0 or burst == 0 or is_overdue or lately < burst
end

-- a call of which nothing more is heard counts as if it had reached the broker `late` after it was let go
local function let_go(name)
  redis.call('ZADD', held, now + window + late, name)
  redis.call('PEXPIRE', held, math.ceil((window + late) / 1000) + 1000)
  if burst > 0 then
    recent[#recent + 1] = now
    if #recent > burst then
      table.remove(recent, 1)
    end
    redis.call('SET', line .. ':recent', cmsgpack.pack(recent), 'PX', math.ceil(span / 1000) + 1)
  end
end

local owner, serial = string.match(ticket, '^([^.]*)%.(.*)$')
if serial ~= '' and redis.call('EXISTS', wait) == 0 and has_room(rank, false) then
  let_go(ticket)
  return {1, used + 1}
end

local owners, meta = line .. ':owners', line .. ':meta'

-- Take a number. An asker's tickets get one turn each after the last one let go, so askers of a rank go round.
local score = nil
if serial ~= '' then
  local known = redis.call('HMGET', meta, 'v' .. rank, 'u' .. rank .. ARGV[3])
  local turn = math.max(tonumber(known[1] or 0), tonumber(known[2] or 0)) + 1
  local counter = redis.call('HINCRBY', meta, 'n', 1)
  score = rank * RANK + turn + (counter % 100000) / 100000
  redis.call('ZADD', wait, score, ticket)
  redis.call('HSET', meta, 'u' .. rank .. ARGV[3], turn)
end

-- What dead processes left behind goes out of the line.
redis.call('ZADD', owners, now + rule[13], owner)
local dead = redis.call('ZRANGEBYSCORE', owners, '-inf', now)
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
  redis.call('ZREMRANGEBYSCORE', owners, '-inf', now)
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
      if rows[r][at[r]] and passed_over[r] >= rule[9 + r] and has_room(r, true) then
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
    lately = lately + 1
    if pick > 0 then
      passed_over[pick] = 0
    end
    for r = pick + 1, 3 do
      if rows[r][at[r]] then
        passed_over[r] = passed_over[r] + 1
      end
    end
    if string.match(name, '^[^.]*') == owner then
      let_go(name)
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

-- When does a place fall free, as far as is known? Those of calls under way at the earliest a window after they were let go.
local free_at = {}
if answer[1] == 2 then
  local raw = redis.call('ZRANGE', held, 0, -1, 'WITHSCORES')
  for i = 1, #raw, 2 do
    local instant = tonumber(raw[i + 1])
    if string.sub(raw[i], 1, 1) ~= '=' then
      instant = instant - late
      if instant <= now then
        instant = now + SOON
      end
    end
    free_at[#free_at + 1] = instant
  end
  table.sort(free_at)
end

-- How far off is the place of the one who asked? Told at once where it is too far.
if answer[1] == 2 and serial ~= '' then
  local longest, capacity = tonumber(ARGV[4]), rule[6 + rank]
  local ahead = redis.call('ZCOUNT', wait, '-inf', '(' .. string.format('%.17g', score))
  local needed = used_for_certain + ahead + 1 - capacity
  local off = math.max(0, paused_until - now)
  if needed > 0 then
    local first = free_at[(needed - 1) % capacity + 1] or now
    off = math.max(off, first - now + math.floor((needed - 1) / capacity) * window)
  end
  if off > longest or longest == 0 then
    redis.call('ZREM', wait, ticket)
    redis.call('HINCRBY', meta, 'u' .. rank .. ARGV[3], -1)
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

-- When to look again: not later than the next place can be free; who looks too early is told again.
if answer[1] == 2 then
  local next_look = now + HEARTBEAT
  if now < paused_until then
    next_look = math.min(next_look, paused_until)
  else
    next_look = math.min(next_look, free_at[1] or next_look)
    if burst > 0 and lately >= burst then
      next_look = math.min(next_look, (recent[1] or now) + span)
    end
    if left_for_others > 0 then
      next_look = math.min(next_look, now + SOON)
    end
  end
  answer[2] = math.max(next_look - now, 1000)
end
return answer
