--- The charge: what a provider made when it was asked for a payment.
--
-- A charge is a plain table - id, provider, status, raw_status, amount, code, code_kind, sent, raw,
-- and qr_png, late where there is something to say - with methods in its metatable, so that it can
-- be saved as JSON and rebuilt by `pix.charge(table)`. The provider object it belongs to is kept
-- beside it, not in it.
local core = require "pix.core"
local waiting = require "pix.waiting"
local wake = require "pix.wake"

local M = {}

local Charge = {}
Charge.__index = Charge

local DEFAULT_TIMEOUT = 300
local MAX_TIMEOUT = 10 * 365 * 86400
local TICK = 0.001 -- seconds; one who wakes earlier than this was woken
local MIN_EVERY, MAX_EVERY, MOST_A_MINUTE = 0.25, 3600, 6000

-- How far a status is; a charge never goes back.
local RANK = {
  unknown = 0, pending = 0, expired = 1, cancelled = 1, rejected = 1, paid = 2, refunded = 3,
}
local CODE_KINDS = { brcode = true, ["base64-json"] = true, opaque = true }

local owners = setmetatable({}, { __mode = "k" }) -- charge -> provider object
local looked = setmetatable({}, { __mode = "k" }) -- charge -> when its status was last heard
local budgets = setmetatable({}, { __mode = "k" }) -- provider object -> bucket of waiting.reserve
local latest = setmetatable({}, { __mode = "v" }) -- provider's name -> object made last
local started = setmetatable({}, { __mode = "k" }) -- future of a charge -> provider object

-- ---- Whose charge it is ----

--- Remembers the newest provider object of a name, for charges that are rebuilt.
function M.remember(provider)
  latest[provider:name()] = provider
  return provider
end

--- Remembers whose charge a future will bring.
function M.expect(future, provider)
  started[future] = provider
  return future
end

--- Makes a charge object of a provider's fresh result.
function M.adopt(value, provider)
  owners[value] = provider
  looked[value] = core.reactor():now()
  return setmetatable(value, Charge)
end

--- The value that a future brought: a charge object if it was started as a charge.
function M.receive(future, value, ...)
  local provider = started[future]
  if provider and getmetatable(value) == nil then M.adopt(value, provider) end
  return value, ...
end

local function owner(charge)
  local provider = owners[charge] or latest[charge.provider]
  if provider then return provider end
  return nil, core.error {
    kind = "config", sent = "no", provider = charge.provider,
    message = ("no %s object was made in this program"):format(charge.provider),
    hint = ("make one with pix.%s{…}, or give it: pix.charge(table, provider)"):format(
      charge.provider),
  }
end

-- ---- Rebuilding ----

local function invalid(field, message)
  return nil, core.error {
    kind = "invalid", sent = "no", message = message, fields = { [field] = { message } },
    hint = "give the table as it was saved: every field of the charge",
  }
end

local FIELDS = {
  { "id", "string", true }, { "provider", "string", true }, { "status", "string", true },
  { "raw_status", "string" }, { "code", "string" }, { "qr_png", "string" }, { "sent", "string" },
  { "late", "boolean" }, { "reference", "string" }, { "attempts", "number" },
}

-- A saved null (cjson.null, a light userdata) is an absent member.
local function member(saved, name)
  local value = saved[name]
  if type(value) == "userdata" then return nil end
  return value
end

local function check_saved(saved)
  for _, row in ipairs(FIELDS) do
    local name, kind, obligatory = row[1], row[2], row[3]
    local value = member(saved, name)
    if value == nil and obligatory then return invalid(name, "the charge has no " .. name) end
    if value ~= nil and type(value) ~= kind then
      return invalid(name, ("%s must be a %s, not a %s"):format(name, kind, type(value)))
    end
  end
  if saved.id == "" then return invalid("id", "the charge's id is empty") end
  if not RANK[saved.status] then return invalid("status", "status is not one of luapix's words") end
  local kind = member(saved, "code_kind")
  if kind ~= nil and not CODE_KINDS[kind] then
    return invalid("code_kind", "code_kind is not brcode, base64-json or opaque")
  end
  return true
end

local function copy_saved(saved)
  local charge = { code_kind = member(saved, "code_kind"), raw = member(saved, "raw") }
  for _, row in ipairs(FIELDS) do
    charge[row[1]] = member(saved, row[1])
  end
  local amount = member(saved, "amount")
  if amount ~= nil then
    local centavos, err = core.money(amount)
    if not centavos then return nil, err end
    charge.amount = centavos
  end
  return charge
end

--- Rebuilds a charge that was saved. The table is copied.
-- @tparam table saved every field of the charge, as from JSON
-- @param[opt] provider the provider object; else the last one of that name made in this state
-- @treturn table|nil the charge, or nil and an error that names the field
function M.rebuild(saved, provider)
  if type(saved) ~= "table" then
    error("pix.charge: a table was expected, not " .. type(saved), 2)
  end
  local ok, err = check_saved(saved)
  if not ok then return nil, err end
  if provider ~= nil and provider:name() ~= saved.provider then
    error(("pix.charge: a charge of %s was given the provider %s"):format(saved.provider,
      provider:name()), 2)
  end
  local charge
  charge, err = copy_saved(saved)
  if not charge then return nil, err end
  owners[charge] = provider
  return setmetatable(charge, Charge)
end

-- ---- Status ----

--- Moves a charge to what was heard of it, forward only. A payment after expiry or cancellation is
-- taken, and flagged `late`.
-- @tparam table charge is changed
-- @tparam table heard { status, raw_status, amount }
-- @treturn boolean whether the status changed
function M.move(charge, heard)
  local from, to = charge.status, heard.status
  local step = (RANK[to] or 0) - (RANK[from] or 0)
  if from == to or step > 0 or (step == 0 and RANK[from] == 0) then
    charge.raw_status = heard.raw_status or charge.raw_status
    charge.amount = charge.amount or heard.amount
    charge.status = to
    if step > 0 and RANK[from] == 1 then charge.late = true end
    return from ~= to
  end
  return false
end

-- Does an operation on the charge and takes over the status it brings.
local function operate(charge, operation, args)
  local provider, err = owner(charge)
  if not provider then return nil, err end
  local heard
  heard, err = provider[operation](provider, args or charge)
  if not heard then return nil, err end
  looked[charge] = core.reactor():now()
  if type(heard) == "table" and heard.status then M.move(charge, heard) end
  return charge.status
end

--- Asks the provider for the charge's status. May yield.
-- @treturn string|nil the status, or nil and an error; then the charge keeps its status
function Charge:refresh()
  return operate(self, "status")
end

--- Cancels the charge, where the provider can. May yield.
-- @treturn string|nil the status ("cancelled"), or nil and an error
function Charge:cancel()
  return operate(self, "cancel")
end

--- Pays the whole amount back, where the provider can. May yield.
-- @treturn string|nil the status ("refunded"), or nil and an error
function Charge:refund()
  return operate(self, "refund")
end

-- ---- QR ----

local function no_code(charge)
  return nil, core.error {
    kind = "unsupported", sent = "no", provider = charge.provider,
    message = ("this charge's code is %s, which is not to be shown as a QR code"):format(
      charge.code_kind or "absent"),
    hint = charge.qr_png and "the provider's own picture is there: charge:qr \"png\""
      or "look at charge.raw for what the provider gave",
  }
end

--- The charge's code as a QR code.
-- @tparam[opt="text"] string format "png", "svg", "text" or "matrix"
-- @tparam[opt] table options scale, margin, level, colour: as pix.qr
-- @return the picture's bytes, the text, or rows of booleans; or nil and an error
function Charge:qr(format, options)
  if self.code and self.code ~= "" and self.code_kind ~= "opaque" then
    return core.qr(self.code, format or "text", options)
  end
  if self.qr_png and format == "png" then
    local picture = core.from_base64((self.qr_png:gsub("%s+", ""))) -- MIME breaks lines
    if picture and picture:sub(2, 4) == "PNG" then return picture end
  end
  return no_code(self)
end

-- ---- Waiting ----

local function check_number(value, name, least, most, what)
  if type(value) ~= "number" or not (value >= least and value <= most) then
    error(("charge:wait: %s must be %s, not %s"):format(name, what, tostring(value)), 4)
  end
end

local function check_options(options)
  if options == nil then return { timeout = DEFAULT_TIMEOUT } end
  if type(options) ~= "table" then
    error("charge:wait: a table of options was expected, not " .. type(options), 3)
  end
  local given = { timeout = options.timeout, every = options.every,
    per_minute = options.per_minute, on_poll = options.on_poll }
  if given.timeout == nil then given.timeout = DEFAULT_TIMEOUT end
  check_number(given.timeout, "timeout", 0, MAX_TIMEOUT, "seconds, a number ≥ 0")
  if given.every ~= nil then
    check_number(given.every, "every", MIN_EVERY, MAX_EVERY, "seconds, 0.25 to 3600")
  end
  if given.per_minute ~= nil then
    check_number(given.per_minute, "per_minute", 1, MOST_A_MINUTE, "a number from 1 to 6000")
  end
  if given.on_poll ~= nil and type(given.on_poll) ~= "function" then
    error("charge:wait: on_poll must be a function, not " .. type(given.on_poll), 3)
  end
  return given
end

-- Chance of our own: the program's math.random keeps its sequence.
local function random()
  return tonumber(core.random(4), 16) / 2 ^ 32
end

--- The error of a wait that is over; `problem` is what the last look ended with, if it failed.
function M.not_paid(charge, timeout, problem)
  local message = ("not paid after %g s: the charge is %s"):format(timeout, charge.status)
  if problem then message = message .. "; the last look failed: " .. problem.message end
  return core.error {
    kind = "timeout", sent = "yes", provider = charge.provider, operation = "wait",
    message = message, hint = "it may still be paid: wait again, or cancel it",
  }
end

local function budget_delay(charge, now, per_minute)
  local provider = owners[charge] or latest[charge.provider]
  if not provider then return 0 end
  local delay, bucket = waiting.reserve(budgets[provider], now, per_minute)
  budgets[provider] = bucket
  return delay
end

-- Seconds until the first look: a charge that was made, or looked at, just now is left alone.
local function first_delay(charge, now, every)
  local interval, base = waiting.interval(0, nil, random(), every)
  local age = looked[charge] and now - looked[charge] or interval
  return math.max(0, interval - age), base
end

local function over(charge)
  return RANK[charge.status] > 0
end

-- One look; nil, err only for what ends the wait.
local function look(charge, on_poll)
  local status, err = charge:refresh()
  if on_poll then on_poll(charge, err) end
  if status or waiting.passing(err) then return true, err end
  return nil, err
end

-- Sleeps until a look may leave: `delay` and then its turn in the budget, the wait's end at the
-- latest. The last look, and one that a webhook calls for, take their places in the budget and do
-- not wait for them.
-- @treturn boolean|nil true; nil, err when the task was cancelled
-- @treturn boolean is this the last look?
local function sleep_until_look(charge, sleeper, delay, deadline, per_minute)
  local reactor = core.reactor()
  local due = reactor:now() + delay
  local last = due >= deadline
  local ok, err = sleeper:sleep(math.max(0, math.min(due, deadline) - reactor:now()))
  if not ok then return nil, err end
  local now = reactor:now()
  local turn = budget_delay(charge, now, per_minute)
  if now < math.min(due, deadline) - TICK then return true, false end
  if last or turn == 0 then return true, last end
  local left = deadline - now
  ok, err = sleeper:sleep(math.max(0, math.min(turn, left)))
  if not ok then return nil, err end
  return true, turn >= left
end

local function poll(charge, options)
  local reactor, timeout = core.reactor(), options.timeout
  local began, sleeper = reactor:now(), wake.sleeper(wake.key(charge))
  local delay, base = first_delay(charge, began, options.every)
  while true do
    local ok, last = sleep_until_look(charge, sleeper, delay, began + timeout, options.per_minute)
    local err
    if not ok then return nil, last end
    ok, err = look(charge, options.on_poll)
    if not ok then return nil, err end
    if over(charge) then return charge.status end
    if last then return nil, M.not_paid(charge, timeout, err) end
    delay, base = waiting.interval(reactor:now() - began, base, random(), options.every)
    delay = waiting.after_error(delay, err)
  end
end

local ELSEWHERE = "charge:wait: a checkout looks for all who wait at a provider, so `every` and "
  .. "`per_minute` are said once, to pix.checkout: budget = { <provider> = { look_every = …, "
  .. "polls_per_minute = … } }"

--- Waits until the charge is paid, or cannot be paid any more. May yield.
-- Looks at the provider every 2–3 s at first, then up to every 15 s; errors of the network and of
-- the provider's servers are passed over. The last look is taken when the time is over, so that the
-- wait may end later than `timeout` by one request.
-- @tparam[opt] table options timeout = seconds (300); on_poll = function(charge, err), called after
--   each look; every = seconds between two looks, all along, instead; per_minute = most requests a
--   minute of all waits at this provider object (40), which makes looks rarer if need be
-- @treturn string|nil "paid", "expired", "cancelled", "rejected" or "refunded"; or nil and an
--   error, of kind "timeout" when the time is over
function Charge:wait(options)
  local given = check_options(options)
  if over(self) then return self.status end
  local keeper = owners[self]
  if type(keeper) ~= "table" or not keeper.wait then return poll(self, given) end
  if given.every or given.per_minute then error(ELSEWHERE, 2) end
  return keeper:wait(self, given.timeout, given.on_poll) -- its watcher looks for all who wait
end

function Charge:__tostring()
  return ("pix.charge (%s %s, %s)"):format(self.provider, self.id, self.status)
end

return M
