--- May a request be sent again, and when? Pure: time and chance are arguments.
--
-- PAYMENTS, "Retry": decision = f(sent, operation class, error kind), in that order. What is not
-- named there is not repeated.
local M = {}

local MAX_RETRY_AFTER = 60
local DEFAULTS = { attempts = 3, base = 0.5, cap = 5 }

--- How safely each operation may be repeated.
M.CLASS = {
  token = "read", status = "read", search = "read", check = "read", charge = "create",
  cancel = "settle", refund = "settle", subscribe = "capture",
}

-- Failures that pass: of the way there, and of the provider's servers.
local PASSING = { network = true, timeout = true, rate_limited = true, unavailable = true }

-- A cut answer can look like success (a 200 with half a JSON): for a read it is a broken network.
local function read(err)
  return PASSING[err.kind] or (err.kind == "protocol" and err.sent == "maybe")
end

-- Only what surely left nothing behind: not sent, or refused before it was looked at (429). A 5xx
-- never is: a gateway may send it after the provider has done its work.
local function create(err)
  if err.sent == "no" then return PASSING[err.kind] end
  return err.sent == "yes" and err.kind == "rate_limited"
end

local function capture(err)
  return err.sent == "no" and PASSING[err.kind]
end

local REPEATABLE = { read = read, create = create, settle = create, capture = capture }

--- May the same request be sent to the same provider once more, time and tries aside?
-- @tparam string class "read", "create", "settle" or "capture"
-- @tparam table err its kind and sent are looked at
-- @treturn string "repeat"; "look" (a settle whose outcome is not known: read the status, then ask
--   again); or "stop"
function M.judge(class, err)
  if REPEATABLE[class](err) then return "repeat" end
  if class == "settle" and err.sent == "maybe" then return "look" end
  return "stop"
end

--- Seconds before try number `tries + 1`: base · 2ⁿ up to the cap, with 50–100 % of it by chance;
-- at least what the provider asked for, up to a minute.
-- @tparam number tries tries so far, from 1
-- @tparam table options base, cap
-- @tparam number random 0 ≤ random < 1
-- @tparam number|nil retry_after
function M.delay(tries, options, random, retry_after)
  local base, cap = options.base or DEFAULTS.base, options.cap or DEFAULTS.cap
  local delay = math.min(cap, base * 2 ^ (tries - 1)) * (0.5 + 0.5 * random)
  return math.max(delay, math.min(retry_after or 0, MAX_RETRY_AFTER))
end

--- Decides what follows a failed try.
-- @tparam table facts class, err, tries (so far, from 1), options { attempts, base, cap }, random,
--   and left: seconds until the deadline, which wins over the number of tries
-- @treturn string "repeat", "look" or "stop"
-- @treturn number|string the delay; with "stop" the reason: "never", "attempts" or "deadline"
function M.decide(facts)
  local options = facts.options or DEFAULTS
  local verdict = M.judge(facts.class, facts.err)
  if verdict == "stop" then return "stop", "never" end
  if facts.tries >= (options.attempts or DEFAULTS.attempts) then return "stop", "attempts" end
  local delay = M.delay(facts.tries, options, facts.random, facts.err.retry_after)
  if facts.left and delay >= facts.left then return "stop", "deadline" end
  return verdict, delay
end

-- Refusals that concern the provider and not the order.
local PROVIDERS_OWN = {
  auth = true, rate_limited = true, unsupported = true, config = true,
}

--- May the order go to another provider after this error?
-- PAYMENTS, "Failover": only after sent = "no", or a definite refusal that concerns the provider.
-- Captures never after "maybe"; nor do creates, but for `on_unknown = "orphan"`, which is the
-- checkout's affair.
-- @tparam table err
function M.may_fail_over(err)
  local kind = err.kind
  if kind == "cancelled" or kind == "journal" or kind == "internal" then return false end
  if err.sent == "no" then return true end
  return err.sent == "yes" and PROVIDERS_OWN[err.kind] == true
end

--- Checks what a program says about retries.
-- @tparam table|nil options attempts, base, cap
-- @treturn table|nil the options with their defaults; nil and what is wrong
function M.options(options)
  local all = {}
  for name, default in pairs(DEFAULTS) do
    all[name] = default
  end
  for name, value in pairs(options or {}) do
    if DEFAULTS[name] == nil then return nil, "there is no option " .. tostring(name) end
    if type(value) ~= "number" or not (value > 0 and value <= 3600) then
      return nil, name .. " must be a number above 0"
    end
    all[name] = value
  end
  if all.attempts % 1 ~= 0 or all.attempts > 20 then return nil, "attempts must be 1 to 20" end
  return all
end

return M
