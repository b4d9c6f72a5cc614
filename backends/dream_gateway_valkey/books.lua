-- The rows of one shard: counters, buckets, leases.
--
-- All keys begin with the base, `PREFIX:{SHARD}:`, and so are of one slot:
--   i            the name of this ledger, in every shard: without it the shard's data was lost
--   -            never there; see `dream_gateway_valkey.calls`
--   c:COUNTER    a quota: hash of used, out, ends (seconds since the epoch; not there: a lifetime)
--   b:COUNTER    a rate: hash of tat, out, surplus and of the rule last applied: limit, period, burst
--   o:COUNTER    a rate's open leases: sorted set of ids by when they were opened
--   l:LEASE      'q' or 'r', the units granted, ':' and the counter; empty once it is closed
--   e:N:SCOPEKEY an event or a void, the scope being N bytes long: hash; see events.lua
--   n:N:SCOPEID  the idempotency key of the event with that id
--   hc, ho, he, hl  what `prune` looks through: counters by their end, buckets with open leases by
--                when the first was opened, events by their time, closed leases by when (see `close`)

local SETTLE_US = 60000000
local CLOSED_KEPT_US = 3600000000
local CLOSED_TTL_MS = 7200000
local BUCKET_MARGIN_MS = 3600000

-- Return a whole number as text, all of its digits.
local function digits(number)
  return string.format('%.0f', number)
end

-- Return what the verbs work on. The time is the server's, unless the caller brings its own.
local function open_books(base, now)
  if now ~= '' then
    return { base = base, now = tonumber(now), injected = true }
  end
  local time = server.call('TIME')
  return { base = base, now = tonumber(time[1]) * 1000000 + tonumber(time[2]), injected = false }
end

local function load_counter(books, name)
  local row = server.call('HMGET', books.base .. 'c:' .. name, 'used', 'out', 'ends')
  return {
    name = name, used = tonumber(row[1] or 0), out = tonumber(row[2] or 0), ends = row[3] or '',
    stored = row[1] and true or false,
  }
end

-- Write a quota's units; `ends` is when its period does, '' for never, `nil` to leave that alone.
local function save_counter(books, row, ends)
  local key = books.base .. 'c:' .. row.name
  server.call('HSET', key, 'used', digits(row.used), 'out', digits(row.out))
  if ends ~= nil and ends ~= row.ends then
    if ends == '' then
      server.call('HDEL', key, 'ends')
      server.call('ZREM', books.base .. 'hc', row.name)
    else
      server.call('HSET', key, 'ends', ends)
      server.call('ZADD', books.base .. 'hc', ends, row.name)
    end
    row.ends = ends
  end
  row.stored = true
end

-- Return a lease: kind ('q', 'r', or '' once closed), units and counter; `nil` if never seen.
local function load_lease(books, id)
  local value = server.call('GET', books.base .. 'l:' .. id)
  if not value then
    return nil
  end
  local kind, granted, counter = value:match('^(%a)(%d+):(.*)$')
  return { kind = kind or '', granted = tonumber(granted or 0), counter = counter or '' }
end

local function open_lease(books, id, kind, granted, counter)
  server.call('SET', books.base .. 'l:' .. id, kind .. digits(granted) .. ':' .. counter)
end

-- Remember an id as closed for an hour or more. The server forgets it by itself, unless the
-- clock is not its own: then `prune` does.
local function close_lease(books, id)
  if books.injected then
    server.call('SET', books.base .. 'l:' .. id, '')
    server.call('ZADD', books.base .. 'hl', digits(books.now), id)
  else
    server.call('SET', books.base .. 'l:' .. id, '', 'PX', CLOSED_TTL_MS)
  end
end

-- Keep a bucket for as long as it differs from a new one, and somewhat longer.
local function set_bucket_life(books, key, state)
  if state.out > 0 then
    server.call('PERSIST', key)
  elseif not books.injected then
    local left = math.max(0, state.tat - books.now)
    server.call('PEXPIRE', key, digits(math.ceil(left / 1000) + BUCKET_MARGIN_MS))
  end
end

local function save_bucket(books, row)
  local key, rate, state = books.base .. 'b:' .. row.name, row.rate, row.state
  server.call(
    'HSET', key, 'tat', digits(state.tat), 'out', digits(state.out),
    'surplus', digits(state.surplus), 'limit', digits(rate.limit),
    'period', digits(rate.period), 'burst', digits(rate.burst)
  )
  set_bucket_life(books, key, state)
  if state.out > 0 and row.indexed == 0 then
    server.call('ZADD', books.base .. 'ho', digits(books.now), row.name)
  elseif state.out == 0 and row.indexed > 0 then
    server.call('ZREM', books.base .. 'ho', row.name)
  end
  row.indexed = state.out
end

-- Count leases nobody may spend from any more as spent, as of when they became so.
-- One opened in the future, before a clock was set back, is as if opened now.
local function settle_overdue(books, row)
  local open = books.base .. 'o:' .. row.name
  local now = digits(books.now)
  for _, id in ipairs(server.call('ZRANGEBYSCORE', open, '(' .. now, '+inf')) do
    server.call('ZADD', open, now, id)
  end
  local due = digits(books.now - SETTLE_US)
  local overdue = server.call('ZRANGEBYSCORE', open, '-inf', due, 'WITHSCORES')
  for at = 1, #overdue, 2 do
    local id, opened = overdue[at], tonumber(overdue[at + 1])
    local lease = load_lease(books, id)
    local granted = lease and lease.granted or 0
    row.state = settle(row.rate, row.state, opened + SETTLE_US, granted, granted)
    server.call('ZREM', open, id)
    close_lease(books, id)
  end
  if #overdue > 0 then
    save_bucket(books, row)
  end
end

-- Return a rate's row with its overdue leases settled; `nil` if it is new.
local function known_bucket(books, name)
  local key = books.base .. 'b:' .. name
  local row = server.call('HMGET', key, 'tat', 'out', 'surplus', 'limit', 'period', 'burst')
  if not row[1] then
    return nil
  end
  local bucket = {
    name = name,
    state = { tat = tonumber(row[1]), out = tonumber(row[2]), surplus = tonumber(row[3]) },
    rate = { limit = tonumber(row[4]), period = tonumber(row[5]), burst = tonumber(row[6]) },
    indexed = tonumber(row[2]),
  }
  if bucket.state.out > 0 then
    settle_overdue(books, bucket)
  end
  return bucket
end

local function same_rate(one, other)
  return one.limit == other.limit and one.period == other.period and one.burst == other.burst
end

-- Return a rate's row under the given rule, full if it is new.
local function load_bucket(books, name, rate)
  local row = known_bucket(books, name)
  if row == nil then
    local full = { tat = books.now, out = 0, surplus = 0 }
    return { name = name, rate = rate, state = full, indexed = 0 }
  end
  local state = adopt(rate, row.rate, row.state, books.now)
  if state ~= row.state or not same_rate(rate, row.rate) then
    row.state, row.rate = state, rate
    save_bucket(books, row)
  end
  return row
end

-- Return a rate's debt in units as used, what is out on lease, and what could be taken.
local function bucket_tally(books, row)
  local left = remaining(row.rate, row.state, books.now)
  return math.max(0, row.rate.burst - left - row.state.out), row.state.out, left
end

-- Return any counter's units: a quota's, or else a rate's.
local function tally(books, name)
  local row = load_counter(books, name)
  if row.used == 0 and row.out == 0 then
    local bucket = known_bucket(books, name)
    if bucket ~= nil then
      return bucket_tally(books, bucket)
    end
  end
  return row.used, row.out
end
