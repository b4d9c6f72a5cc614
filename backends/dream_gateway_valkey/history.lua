-- Pruning. What is history is found by sorted sets, a bounded part of them at a time.

local PAGE = 100

-- Settle the overdue leases of buckets that nobody asks for.
local function settle_buckets(books, most)
  local due = digits(books.now - SETTLE_US)
  local index = books.base .. 'ho'
  for _, name in ipairs(server.call('ZRANGEBYSCORE', index, '-inf', due, 'LIMIT', 0, most)) do
    local row = known_bucket(books, name)
    if row == nil then
      server.call('ZREM', index, name)
    elseif row.state.out > 0 then
      -- Some are younger: look again when the eldest of them is due.
      local eldest = server.call('ZRANGE', books.base .. 'o:' .. name, 0, 0, 'WITHSCORES')
      server.call('ZADD', index, eldest[2] or digits(books.now), name)
    end
  end
end

local function prune_counters(books, before, limit)
  local index, gone, held = books.base .. 'hc', 0, 0
  while gone < limit do
    local page = server.call('ZRANGEBYSCORE', index, '-inf', '(' .. before, 'LIMIT', held, PAGE)
    for _, name in ipairs(page) do
      if gone < limit and load_counter(books, name).out == 0 then
        server.call('UNLINK', books.base .. 'c:' .. name)
        server.call('ZREM', index, name)
        gone = gone + 1
      else
        held = held + 1
      end
    end
    if #page < PAGE then
      return gone
    end
  end
  return gone
end

local function prune_events(books, before, limit)
  local index = books.base .. 'he'
  local names = server.call('ZRANGEBYSCORE', index, '-inf', '(' .. before, 'LIMIT', 0, limit)
  for _, name in ipairs(names) do
    local key = books.base .. 'e:' .. name
    local id, voids = unpack(server.call('HMGET', key, 'id', 'voids'))
    if voids == '' then
      local length, both = name:match('^(%d+):(.*)$')
      server.call('UNLINK', id_key(books, both:sub(1, tonumber(length)), id))
    end
    server.call('UNLINK', key)
    server.call('ZREM', index, name)
  end
  return #names
end

-- Closed leases whose end the server does not see to by itself.
local function prune_leases(books, limit)
  local index, now = books.base .. 'hl', digits(books.now)
  for _, id in ipairs(server.call('ZRANGEBYSCORE', index, '(' .. now, '+inf', 'LIMIT', 0, PAGE)) do
    server.call('ZADD', index, now, id)
  end
  local before = '(' .. digits(books.now - CLOSED_KEPT_US)
  local ids = server.call('ZRANGEBYSCORE', index, '-inf', before, 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    server.call('UNLINK', books.base .. 'l:' .. id)
    server.call('ZREM', index, id)
  end
  return #ids
end

-- before -> how many rows may be history; settles old leases on the way
local function verb_survey(books, args)
  settle_buckets(books, PAGE)
  local before, closed = '(' .. args[1], '(' .. digits(books.now - CLOSED_KEPT_US)
  return server.call('ZCOUNT', books.base .. 'hc', '-inf', before)
    + server.call('ZCOUNT', books.base .. 'he', '-inf', before)
    + server.call('ZCOUNT', books.base .. 'hl', '-inf', closed)
end

-- before, limit -> how many rows went
local function verb_prune(books, args)
  local limit = tonumber(args[2])
  local gone = prune_counters(books, args[1], limit)
  gone = gone + prune_events(books, args[1], limit - gone)
  return gone + prune_leases(books, limit - gone)
end
