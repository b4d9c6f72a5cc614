-- Prints what wrk saw as one line of JSON. The first argument is the method.
function init(args)
  wrk.method = args[1] or "GET"
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "failed": %d, "p50": %.1f, "p99": %.1f, "p999": %.1f}\n',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
