-- Usage events with idempotency keys, and the voids that take them back.
--
-- An event's hash: id, mark (its fingerprint), subject, voids ('=' and the id of the event it takes from;
-- '' for an event), cost, voided, charges and tallies: MessagePack of {counter, is a quota} and of {used, out}.

local NO_ROOM = -1

-- Return a name of two parts, either of which may be any text.
local function pair(scope, name)
  return #scope .. ':' .. scope .. name
end

local function event_key(books, scope, key)
  return books.base .. 'e:' .. pair(scope, key)
end

local function id_key(books, scope, id)
  return books.base .. 'n:' .. pair(scope, id)
end

-- Return the flat answer that the caller reads: outcome, id, cost, subject, the charge that denied
-- (from 0; -1: none), microseconds to wait (-1: no use), and the tallies.
local function answer_of(outcome, id, cost, subject, denied_by, wait, tallies)
  local answer = { outcome, id, cost, subject, denied_by, wait }
  for _, figure in ipairs(tallies) do
    answer[#answer + 1] = figure
  end
  return answer
end

local function plain(outcome, id, subject)
  return answer_of(outcome, id, 0, subject or '', -1, NO_ROOM, {})
end

local function repeated(event, found)
  local id, mark, subject, voids, cost, tallies = unpack(found)
  if mark ~= event.mark or voids ~= event.voids and (voids == '' or event.voids == '') then
    return plain('conflict', id)
  end
  return answer_of('duplicate', id, tonumber(cost), subject, -1, NO_ROOM, cmsgpack.unpack(tallies))
end

local function tallies_of(books, charges)
  local figures = {}
  for _, charge in ipairs(charges) do
    local used, out
    if charge[2] then
      local row = load_counter(books, charge[1])
      used, out = row.used, row.out
    else
      local row = known_bucket(books, charge[1])
      used, out = 0, 0
      if row ~= nil then
        used, out = bucket_tally(books, row)
      end
    end
    figures[#figures + 1] = used
    figures[#figures + 1] = out
  end
  return figures
end

local function insert(books, event, cost, charges)
  local tallies = tallies_of(books, charges)
  server.call(
    'HSET', event_key(books, event.scope, event.key), 'id', event.id, 'mark', event.mark,
    'subject', event.subject, 'voids', event.voids, 'cost', digits(cost), 'voided', '0',
    'charges', cmsgpack.pack(charges), 'tallies', cmsgpack.pack(tallies)
  )
  server.call('ZADD', books.base .. 'he', event.at, pair(event.scope, event.key))
  return answer_of('recorded', event.id, cost, event.subject, -1, NO_ROOM, tallies)
end

-- Put a cost on a row in memory. Return `nil` if it fits, else the microseconds to wait, or NO_ROOM.
local function put(books, rows, charge, cost)
  local name = charge.name
  if charge.rate == nil then
    rows[name] = rows[name] or load_counter(books, name)
    local row = rows[name]
    if row.used + row.out + cost > math.min(charge.limit, MOST) then
      return NO_ROOM
    end
    row.used, row.next_end = row.used + cost, charge.ends
    return nil
  end
  local row = rows[name]
  if row == nil then
    row = load_bucket(books, name, charge.rate)
    rows[name] = row
  else
    row.state = adopt(charge.rate, row.rate, row.state, books.now)
    row.rate = charge.rate
  end
  local granted, after, wait = take(charge.rate, row.state, books.now, cost, cost)
  if granted == 0 then
    return wait or NO_ROOM
  end
  -- Spent at once: the debt is made, and nothing is out on lease for it.
  row.state = { tat = after.tat, out = row.state.out, surplus = after.surplus }
  return nil
end

local function charge_all(books, event, cost, charges)
  local rows, names = {}, {}
  for number, charge in ipairs(charges) do
    if cost > 0 then
      local wait = put(books, rows, charge, cost)
      if wait ~= nil then
        return answer_of('denied', event.id, 0, '', number - 1, wait, {})
      end
    end
    names[number] = { charge.name, charge.rate == nil }
  end
  for _, row in pairs(rows) do
    if row.rate == nil then
      save_counter(books, row, row.next_end)
    else
      save_bucket(books, row)
    end
  end
  server.call('SET', id_key(books, event.scope, event.id), event.key)
  return insert(books, event, cost, names)
end

local function take_back(books, event, amount)
  local key = server.call('GET', id_key(books, event.scope, event.voids:sub(2)))
  if not key then
    return plain('unknown', event.id)
  end
  local of = event_key(books, event.scope, key)
  local subject, cost, voided, packed = unpack(
    server.call('HMGET', of, 'subject', 'cost', 'voided', 'charges')
  )
  local left = tonumber(cost) - tonumber(voided)
  amount = amount == '' and left or tonumber(amount)
  if amount > left or (left == 0 and tonumber(cost) > 0) then
    return plain('exceeds', event.id, subject)
  end
  local charges = cmsgpack.unpack(packed)
  for _, charge in ipairs(charges) do
    local row = charge[2] and load_counter(books, charge[1])
    if row and row.stored then
      row.used = math.max(0, row.used - amount)
      save_counter(books, row)
    end
  end
  server.call('HINCRBY', of, 'voided', digits(amount))
  event.subject = subject
  return insert(books, event, amount, charges)
end

-- Return the charges from place `at` on: 'q', counter, limit, end, '' or
-- 'r', counter, limit, period, burst.
local function read_charges(args, at)
  local charges = {}
  for place = at, #args, 5 do
    local charge = { name = args[place + 1] }
    if args[place] == 'q' then
      charge.limit = args[place + 2] == '' and MOST or tonumber(args[place + 2])
      charge.ends = args[place + 3]
    else
      charge.rate = {
        limit = tonumber(args[place + 2]), period = tonumber(args[place + 3]),
        burst = tonumber(args[place + 4]),
      }
    end
    charges[#charges + 1] = charge
  end
  return charges
end

-- scope, key, id, fingerprint, time, subject, '=' and the event a void takes from ('' for an event), cost or
-- amount ('' for all that is left), and an event's charges
-- -> see `answer_of`
local function verb_record(books, args)
  local event = {
    scope = args[1], key = args[2], id = args[3], mark = args[4], at = args[5],
    subject = args[6], voids = args[7],
  }
  local found = server.call(
    'HMGET', event_key(books, event.scope, event.key),
    'id', 'mark', 'subject', 'voids', 'cost', 'tallies'
  )
  if found[1] then
    return repeated(event, found)
  end
  if event.voids ~= '' then
    return take_back(books, event, args[8])
  end
  return charge_all(books, event, tonumber(args[8]), read_charges(args, 9))
end
