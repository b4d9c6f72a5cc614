-- Prints what wrk saw as one line of JSON. The first argument is the method, the second the bytes of
-- the body; the third, if any, is a file of bearer tokens, one a line, which take turns.
function init(args)
  wrk.method = args[1]
  local size = tonumber(args[2])
  if size > 0 then
    wrk.body = string.rep("x", size)
  end
  if args[3] then
    take_turns(args[3])
  end
end

-- Every request is formatted here, once, so that the turns cost wrk next to nothing.
function take_turns(path)
  local requests, at = {}, 0
  for token in io.lines(path) do
    wrk.headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format()
  end
  request = function()
    at = at % #requests + 1
    return requests[at]
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.1f, "p99": %.1f, "p999": %.1f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
