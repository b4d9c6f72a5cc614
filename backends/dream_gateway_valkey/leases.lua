-- The verbs on leases. `args` begin with what `register` takes away: the ledger's name and the time.

local DENIED = -1

-- Most units a counter can hold, limited or not: beyond that they would not be exact.
local MOST = 2 ^ 53 - 1

local function take_quota(books, lease, name, wanted, at_least, limit, ends)
  local row = load_counter(books, name)
  local held = load_lease(books, lease)
  local granted
  if held ~= nil then
    granted = held.granted
  else
    granted = math.min(wanted, math.min(limit, MOST) - row.used - row.out)
    if granted >= at_least then
      row.out = row.out + granted
      save_counter(books, row, ends)
      open_lease(books, lease, 'q', granted, name)
    else
      granted = 0
    end
  end
  return { granted, row.used, row.out, 0, DENIED }
end

local function take_rate(books, lease, name, wanted, at_least, rate)
  local row = load_bucket(books, name, rate)
  local held = load_lease(books, lease)
  local granted, wait = 0, nil
  if held ~= nil then
    granted = held.granted
  else
    granted, row.state, wait = take(rate, row.state, books.now, wanted, at_least)
    if granted > 0 then
      wait = nil
      open_lease(books, lease, 'r', granted, name)
      server.call('ZADD', books.base .. 'o:' .. name, digits(books.now), lease)
      save_bucket(books, row)
    end
  end
  local used, out, left = bucket_tally(books, row)
  return { granted, used, out, left, wait or DENIED }
end

-- lease, counter, wanted, at_least, then 'q', limit ('' for none), end ('' for none)
-- or 'r', limit, period, burst
-- -> granted, used, out, left (of a rate), microseconds to wait (-1: none or no use)
local function verb_take(books, args)
  local wanted, at_least = tonumber(args[3]), tonumber(args[4])
  if args[5] == 'q' then
    local limit = args[6] == '' and MOST or tonumber(args[6])
    return take_quota(books, args[1], args[2], wanted, at_least, limit, args[7])
  end
  local rate = { limit = tonumber(args[6]), period = tonumber(args[7]), burst = tonumber(args[8]) }
  return take_rate(books, args[1], args[2], wanted, at_least, rate)
end

local function give_back_rate(books, id, lease, spent)
  -- Reading the bucket settles its overdue leases, this one perhaps among them.
  local row = known_bucket(books, lease.counter)
  local open = books.base .. 'o:' .. lease.counter
  if row ~= nil and server.call('ZREM', open, id) == 1 then
    row.state = settle(row.rate, row.state, books.now, lease.granted, spent)
    close_lease(books, id)
    save_bucket(books, row)
  end
end

-- lease, spent ('' for all of it) -> 1 if this closed it
local function verb_give_back(books, args)
  local lease = load_lease(books, args[1])
  if lease == nil then
    close_lease(books, args[1])
    return 1
  end
  if lease.kind == '' then
    return 0
  end
  local spent = lease.granted
  if args[2] ~= '' then
    spent = math.min(tonumber(args[2]), lease.granted)
  end
  if lease.kind == 'r' then
    give_back_rate(books, args[1], lease, spent)
    return 1
  end
  local row = load_counter(books, lease.counter)
  row.used, row.out = row.used + spent, row.out - lease.granted
  save_counter(books, row)
  close_lease(books, args[1])
  return 1
end

-- id, counter, units -> 1 if this was its first time
local function verb_refund(books, args)
  if load_lease(books, args[1]) ~= nil then
    return 0
  end
  close_lease(books, args[1])
  local row = load_counter(books, args[2])
  if row.stored then
    row.used = math.max(0, row.used - tonumber(args[3]))
    save_counter(books, row)
  end
  return 1
end

-- counters -> used and out of each
local function verb_usage(books, args)
  local answer = {}
  for _, name in ipairs(args) do
    local used, out = tally(books, name)
    answer[#answer + 1] = used
    answer[#answer + 1] = out
  end
  return answer
end
