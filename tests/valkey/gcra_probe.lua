-- Doors to the arithmetic for a test: each answers a state as text, so that no digit is lost.

local function rate_of(args, at)
  return { limit = tonumber(args[at]), period = tonumber(args[at + 1]), burst = tonumber(args[at + 2]) }
end

local function state_at(args, at)
  return { tat = tonumber(args[at]), out = tonumber(args[at + 1]), surplus = tonumber(args[at + 2]) }
end

local function answer(state, ...)
  local numbers = { state.tat, state.out, state.surplus, ... }
  for place, number in ipairs(numbers) do
    numbers[place] = string.format('%.0f', number)
  end
  return numbers
end

server.register_function('gcra_take', function(keys, args)
  local rate, state, now = rate_of(args, 1), state_at(args, 4), tonumber(args[7])
  local granted, after, wait = take(rate, state, now, tonumber(args[8]), tonumber(args[9]))
  return answer(after, granted, wait or -1, remaining(rate, after, now))
end)

server.register_function('gcra_settle', function(keys, args)
  local rate, state, now = rate_of(args, 1), state_at(args, 4), tonumber(args[7])
  return answer(settle(rate, state, now, tonumber(args[8]), tonumber(args[9])))
end)

server.register_function('gcra_adopt', function(keys, args)
  local rate, state, now = rate_of(args, 1), state_at(args, 4), tonumber(args[7])
  return answer(adopt(rate, rate_of(args, 8), state, now))
end)

server.register_function('gcra_muldiv', function(keys, args)
  local quotient, rest = muldiv(tonumber(args[1]), tonumber(args[2]), tonumber(args[3]))
  return { string.format('%.0f', quotient), string.format('%.0f', rest) }
end)
