--- What a program says to pix.checkout{…} and shop:charge{…}: checked before anything is sold.
local budget = require "pix.budget"
local core = require "pix.core"
local retry = require "pix.retry"
local choice = require "pix.select"

local M = {}

local KNOWN = {
  select = true, rules = true, weights = true, fees = true, retry = true, deadline = true,
  on_unknown = true, journal = true, worker = true, on_event = true, breaker = true,
  budget = true, expires_in = true, log = true,
}
local DEADLINE, EXPIRES_IN = 30, 3600
local LONGEST_REFERENCE = 128

local function fail(message, ...)
  error("pix.checkout: " .. message:format(...), 0)
end

-- ---- The checkout's own options ----

-- The providers in order; by name.
local function providers(options)
  local names, by_name = {}, {}
  for i, provider in ipairs(options) do
    if type(provider) ~= "userdata" or getmetatable(provider) ~= "pix" or not provider.supports then
      fail("item %d is not a provider (is it nil and an error? use assert)", i)
    end
    local name = provider:name()
    if by_name[name] then fail("two providers are named %s", name) end
    names[i], by_name[name] = name, provider
  end
  if #names == 0 then fail("no provider is given") end
  return names, by_name
end

local function check_names(options)
  for name in pairs(options) do
    if type(name) ~= "number" and not KNOWN[name] then
      fail("there is no option %q", tostring(name))
    end
  end
end

local function seconds(options, name, default)
  local value = options[name]
  if value == nil then return default end
  if type(value) ~= "number" or not (value > 0 and value <= 10 * 86400 * 365) then
    fail("%s must be seconds, a number above 0", name)
  end
  return value
end

-- A table of one entry per provider.
local function per_provider(options, name, by_name, check)
  local given = options[name]
  if given == nil then return {} end
  if type(given) ~= "table" then fail("%s must be a table by provider", name) end
  for provider, value in pairs(given) do
    if not by_name[provider] then fail("%s names %s, which is not given", name,
      tostring(provider)) end
    local wrong = check(value)
    if wrong then fail("%s.%s: %s", name, provider, wrong) end
  end
  return given
end

local function check_weight(value)
  if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
    return "a weight is a number, 0 or more"
  end
end

local function check_fee(fee)
  if type(fee) ~= "table" then return "a fee is { percent = 0.99, fixed = 10 }" end
  for name, value in pairs(fee) do
    if name ~= "percent" and name ~= "fixed" then return "a fee has percent and fixed" end
    if type(value) ~= "number" or not (value >= 0 and value < 1e9) then
      return name .. " must be a number, 0 or more"
    end
  end
  if (fee.fixed or 0) % 1 ~= 0 then return "fixed must be whole centavos" end
end

local function check_budget(value)
  if type(value) ~= "table" then return "a budget is a table" end
  local _, wrong = budget.check(value)
  return wrong
end

local function strategy(options)
  local given = options.select == nil and "failover" or options.select
  if type(given) == "function" or choice.STRATEGIES[given] then return given end
  fail("select must be failover, round_robin, weighted, fastest, success_rate, cheapest, or a "
    .. "function; not %s", tostring(given))
end

local function on_unknown(options)
  local value = options.on_unknown or "stop"
  if value ~= "stop" and value ~= "orphan" then fail('on_unknown is "stop" or "orphan"') end
  if value == "orphan" and not options.journal then
    fail('on_unknown = "orphan" needs a journal: the possible charge must be remembered')
  end
  return value
end

local function functions(options)
  if options.on_event ~= nil and type(options.on_event) ~= "function" then
    fail("on_event must be a function(event)")
  end
  local log = options.log
  if log ~= nil and log ~= true and type(log) ~= "function" then
    fail("log must be true (stderr) or a function(line)")
  end
end

--- Checks the options of a checkout. Raises.
-- @tparam table options
-- @treturn table the options as the checkout's rooms want them
function M.checkout(options)
  if type(options) ~= "table" then
    fail("a table of providers and options was expected, not %s", type(options))
  end
  check_names(options)
  local names, by_name = providers(options)
  local known = {}
  for _, name in ipairs(names) do known[name] = true end
  local rules, wrong = choice.rules(options.rules, known)
  if not rules then fail("%s", wrong) end
  local retries
  retries, wrong = retry.options(options.retry)
  if not retries then fail("retry: %s", wrong) end
  functions(options)
  return {
    names = names, providers = by_name, strategy = strategy(options), rules = rules,
    retry = retries, weights = per_provider(options, "weights", by_name, check_weight),
    fees = per_provider(options, "fees", by_name, check_fee),
    budget = per_provider(options, "budget", by_name, check_budget),
    breaker = options.breaker, deadline = seconds(options, "deadline", DEADLINE),
    expires_in = seconds(options, "expires_in", EXPIRES_IN), on_unknown = on_unknown(options),
    journal = options.journal, worker = options.worker, on_event = options.on_event,
    log = options.log,
  }
end

-- ---- An order's arguments ----

local ARGS = {
  charge = { amount = true, description = true, payer = true, webhook = true, timeout = true },
  subscribe = { plan = true, payer = true, card = true, trial = true, send_confirmation = true,
    timeout = true },
}
local OWN = { reference = true, deadline = true, expires_in = true, on_unknown = true }

local function invalid(field, message, hint)
  return nil, core.error {
    kind = "invalid", sent = "no", message = message, fields = { [field] = { message } },
    hint = hint, attempts = 0,
  }
end

local function reference_of(args)
  local reference = args.reference
  if reference == nil then return "pix-" .. core.random(10) end
  if type(reference) ~= "string" then
    return invalid("reference", "reference must be a string, your order's number")
  end
  if #reference == 0 or #reference > LONGEST_REFERENCE or reference:find("%c") then
    return invalid("reference", ("a reference has 1 to %d bytes and no control characters"):format(
      LONGEST_REFERENCE))
  end
  return reference
end

-- What is sent, apart from what is the checkout's own.
local function split(kind, args)
  local sent = {}
  for name, value in pairs(args) do
    if ARGS[kind][name] then
      sent[name] = value
    elseif not OWN[name] then
      return invalid(tostring(name), "there is no argument " .. tostring(name))
    end
  end
  return sent
end

-- What makes two orders the same. A card is not part of it: nothing of it may be kept.
local function identity(kind, sent)
  local payer = {}
  for name, value in pairs(type(sent.payer) == "table" and sent.payer or {}) do
    payer[tostring(name)] = tostring(value)
  end
  return {
    kind = kind, amount = sent.amount, description = sent.description, payer = payer,
    webhook = sent.webhook, plan = sent.plan, trial = sent.trial or nil,
  }
end

local function own_seconds(args, name, default)
  local value = args[name]
  if value == nil then return default end
  if type(value) ~= "number" or not (value > 0 and value < 1e9) then
    return invalid(name, name .. " must be seconds, a number above 0")
  end
  return value
end

local function tax_id_of(payer)
  if type(payer) ~= "table" or type(payer.tax_id) ~= "string" then return nil end
  local kind, digits = core.tax_id(payer.tax_id)
  if kind then return kind, digits end
end

--- Reads the arguments of shop:charge or shop:subscribe.
-- @tparam table settings of M.checkout
-- @tparam string kind "charge" or "subscribe"
-- @tparam table args
-- @tparam function hash of the parameters
-- @treturn table|nil the order; nil and an error of kind "invalid"
function M.order(settings, kind, args, hash)
  if type(args) ~= "table" then
    error(("shop:%s: a table was expected, not %s"):format(kind, type(args)), 3)
  end
  local reference, err = reference_of(args)
  if not reference then return nil, err end
  local sent, deadline, expires_in
  sent, err = split(kind, args)
  if not sent then return nil, err end
  if kind == "charge" then
    sent.amount, err = core.money(sent.amount)
    if not sent.amount then return nil, err end
  end
  deadline, err = own_seconds(args, "deadline", settings.deadline)
  if not deadline then return nil, err end
  expires_in, err = own_seconds(args, "expires_in", settings.expires_in)
  if not expires_in then return nil, err end
  local tax_kind, digits = tax_id_of(sent.payer)
  return {
    reference = reference, kind = kind, args = sent, amount = sent.amount,
    params = hash(identity(kind, sent)), tax_kind = tax_kind, tax_id = digits,
    seconds = deadline, deadline = core.reactor():now() + deadline, expires_in = expires_in,
    on_unknown = settings.on_unknown,
  }
end

return M
