--- Faults of the sandbox by chance, while the soak's traffic runs. Each is one that a provider, its
-- gateway or the network between may show; what it means for the money is docs/sandbox.md's
-- "processed".
local pix = require "pix"

local M = {}

local EACH = 0.1 -- seconds between two faults

local PROVIDERS = { "ssg", "detseg", "payzu" }

-- Kinds, each as often as it stands here.
local KINDS = {
  { status = 400 }, { status = 403 }, { status = 404 }, { status = 409 }, { status = 422 },
  { status = 429, headers = { ["Retry-After"] = "1" } }, { status = 500 }, { status = 502 },
  { status = 503, headers = { ["Retry-After"] = "Wed, 21 Oct 2015 07:28:00 GMT" } },
  { delay = 0.05 }, { delay = 0.4 }, { hang = true }, { reset = "before" }, { reset = "after" },
  { close_keepalive = true }, { truncate = 0.5 }, { truncate = 1 }, { truncate_headers = true },
  { no_length = true }, { garbage = true }, { garbage = "http" }, { content_type = "text/html" },
  { empty = true }, { huge = 2000000 }, { drip = 2000 }, { redirect = "http://127.0.0.1:9/" },
  { expired_token = true }, { amount = 777 }, { missing_id = true },
}

local OPERATIONS = {
  ssg = { "token", "charge", "status", "cancel", "refund" },
  detseg = { "token", "charge", "status", "search" },
  payzu = { "charge", "status", "subscribe" },
}

local function one(draw)
  local fault = { times = draw(2), after = draw(3) - 1 }
  for name, value in pairs(KINDS[draw(#KINDS)]) do
    fault[name] = value
  end
  fault.provider = PROVIDERS[draw(#PROVIDERS)]
  local operations = OPERATIONS[fault.provider]
  if draw(3) > 1 then fault.operation = operations[draw(#operations)] end
  return fault
end

--- Breaks the sandbox again and again until `over()`; every few seconds the sky is clear for a
-- moment, and what hangs is let go. May yield.
-- @tparam table sandbox
-- @tparam function draw
-- @tparam function over
-- @treturn integer how many faults there were
function M.run(sandbox, draw, over)
  local count = 0
  while not over() do
    sandbox.fault(one(draw))
    count = count + 1
    pix.sleep(EACH)
    if count % 50 == 0 then
      sandbox.clear_faults()
      pix.sleep(5 * EACH)
    end
  end
  sandbox.clear_faults()
  return count
end

return M
