-- Sends requests as they are in the file that REQUESTS names ("<bytes>\n<request>" again and again), round robin, from PLACE on, or from a
-- place that differs.
local requests, place = {}, 0
local file = assert(io.open(os.getenv("REQUESTS"), "rb"))
while true do
  local size = file:read("*l")
  if not size or size == "" then break end
  requests[#requests + 1] = file:read(tonumber(size))
end
file:close()
function init()
  math.randomseed(os.time())
  place = (tonumber(os.getenv("PLACE")) or math.random(#requests)) % #requests
end
function request()
  place = place + 1
  if place > #requests then place = 1 end
  return requests[place]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\nJSON {"requests":%d,"us":%d,"bytes":%d,"bad":%d,"p50":%d,"p99":%d}\n', summary.requests, summary.duration,
    summary.bytes, e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
