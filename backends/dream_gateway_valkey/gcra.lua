-- Rate arithmetic, the same as `dream_gateway.gcra` to the last tick, in numbers that are doubles.
--
-- A double holds whole numbers exactly below 2^53, and a debt in ticks may be larger. So a debt is kept
-- as whole units and the ticks beyond them: `units * period + ticks` with `0 <= ticks < period`.
-- The only products that may be too large are made and divided at once, by `muldiv`.
--
-- A rate is {limit, period, burst}; a state is {tat, out, surplus}. Times are microseconds.
-- Whoever calls keeps limit and period below 2^42, and a burst's time below 2^52 microseconds.

local EXACT = 2 ^ 53
local CHUNK = 1024

-- Return the whole part of a * b / c, and the rest.
-- a and b are whole numbers below 2^53, c is below 2^42, and the quotient below 2^53.
local function muldiv(a, b, c)
  local product = a * b
  if product < EXACT then
    local rest = math.fmod(product, c)
    return (product - rest) / c, rest
  end
  local part = math.fmod(b, c)
  local whole = a * ((b - part) / c)
  local digits = {}
  while a > 0 do
    local digit = math.fmod(a, CHUNK)
    digits[#digits + 1] = digit
    a = (a - digit) / CHUNK
  end
  local quotient, rest = 0, 0
  for place = #digits, 1, -1 do
    local sum = rest * CHUNK + digits[place] * part
    rest = math.fmod(sum, c)
    quotient = quotient * CHUNK + (sum - rest) / c
  end
  return whole + quotient, rest
end

-- Return the microseconds that a debt takes at the sustained rate, rounded up, and the ticks by which.
local function span(rate, units, ticks)
  local time, rest = muldiv(units, rate.period, rate.limit)
  rest = rest + ticks
  local over = math.fmod(rest, rate.limit)
  time = time + (rest - over) / rate.limit
  if over == 0 then
    return time, 0
  end
  return time + 1, rate.limit - over
end

local function state_of(rate, now, units, ticks, out)
  local time, surplus = span(rate, units, ticks)
  return { tat = now + time, out = out, surplus = surplus }
end

-- Return the state under a rule, where `before` was the last; the same table if nothing differs.
local function adopt(rate, before, state, now)
  if state.tat - now > span(rate, rate.burst, 0) then
    return state_of(rate, now, rate.burst, 0, state.out)
  end
  if rate.limit ~= before.limit and state.surplus > 0 then
    return { tat = state.tat, out = state.out, surplus = 0 }
  end
  return state
end

-- Return the debt as units and ticks: at least what is out on lease, never negative.
local function debt(rate, state, now)
  local units, ticks = 0, 0
  if state.tat > now then
    units, ticks = muldiv(state.tat - now, rate.limit, rate.period)
    local rest = math.fmod(state.surplus, rate.period)
    units, ticks = units - (state.surplus - rest) / rate.period, ticks - rest
    if ticks < 0 then
      units, ticks = units - 1, ticks + rate.period
    end
  end
  if units >= rate.burst then
    units, ticks = rate.burst, 0
  end
  if units < state.out then
    return state.out, 0
  end
  return units, ticks
end

-- Return the whole units that fit beside a debt.
local function room(rate, units, ticks)
  return math.max(0, rate.burst - units - (ticks > 0 and 1 or 0))
end

local function remaining(rate, state, now)
  return room(rate, debt(rate, state, now))
end

-- Return what is granted, the state after it, and the microseconds to wait: 0 when anything was
-- granted, `nil` when no waiting helps.
local function take(rate, state, now, wanted, at_least)
  local units, ticks = debt(rate, state, now)
  local granted = math.min(wanted, room(rate, units, ticks))
  if granted >= at_least then
    return granted, state_of(rate, now, units + granted, ticks, state.out + granted), 0
  end
  if at_least > rate.burst then
    return 0, state, nil
  end
  return 0, state, (span(rate, at_least - rate.burst + units, ticks))
end

-- Return the state after a lease of `granted` units of which `spent` were used.
local function settle(rate, state, now, granted, spent)
  local units, ticks = debt(rate, state, now)
  units = units - (granted - spent)
  if units < 0 then
    units, ticks = 0, 0
  end
  return state_of(rate, now, units, ticks, math.max(0, state.out - granted))
end
