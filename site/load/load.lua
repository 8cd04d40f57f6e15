-- Sends requests, and counts the responses with the expected status. wrk runs `init`,
-- `request` and `response` in its thread, and `setup` and `done` outside of it.

local items = { "espresso", "flat-white", "tea", "croissant", "muffin" }
local target = os.getenv("LOAD_TARGET")
local token = os.getenv("LOAD_TOKEN")
local run = os.getenv("LOAD_RUN")
local thread

function setup(new)
  thread = new
end

-- `done` can read only globals.
function init()
  sent = 0
  expected = 0
  other = 0
end

function request()
  sent = sent + 1
  if target == "menu" then
    return wrk.format("GET", "/menu")
  end
  local item = items[sent % #items + 1]
  local headers = { ["content-type"] = "application/json" }
  if target == "shop" then
    local body = '{"customer":"Ada","item":"' .. item .. '","quantity":1,"note":"oat milk","table":4}'
    return wrk.format("POST", "/orders", headers, body)
  end
  headers["authorization"] = "Bearer " .. token
  headers["idempotency-key"] = run .. "-" .. sent
  local body = '{"lines":[{"item":"' .. item .. '","quantity":1}],"note":"oat milk"}'
  return wrk.format("POST", "/orders", headers, body)
end

function response(status)
  if status == (target == "menu" and 200 or 201) then
    expected = expected + 1
  else
    other = other + 1
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    'RESULT {"expected":%d,"other":%d,"failed":%d,"seconds":%f,"p50":%f,"p99":%f}\n',
    thread:get("expected"), thread:get("other"), failed, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000
  ))
end
