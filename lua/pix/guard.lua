--- One request to a provider, guarded: breaker, budget, deadline, statistics. And reads, which may
-- be repeated at will. What may be repeated otherwise is decided where the record is kept.
--
-- DESIGN: a call takes a place in the budget, and may be the breaker's trial. A coroutine that is
-- killed in it (nginx, when the client goes away) gives nothing back; so each call is noted with
-- the time at which its request must have ended, and where a place is missing those are given up.
local breaker = require "pix.breaker"
local budget = require "pix.budget"
local core = require "pix.core"
local hosts = require "pix.host"
local latch = require "pix.latch"
local metrics = require "pix.metrics"
local retry = require "pix.retry"
local stats = require "pix.stats"

local M = {}

local Guard = {}
Guard.__index = Guard

local CHEAP = { status = true, search = true, check = true }
local PROBE_TIMEOUT = 5
local SHORTEST = 0.01 -- seconds that are worth a request
local GRACE = 1 -- seconds after its time-out within which a request has ended

--- @tparam table options providers (name → provider), breaker, budget, retry (pix.retry.options),
--   on_breaker = function(provider, operation, state), log = function(facts)
function M.new(options)
  local self = setmetatable({
    _providers = options.providers, _breaker = options.breaker, _retry = options.retry,
    _on_breaker = options.on_breaker, _log = options.log,
    _breakers = {}, _budgets = {}, _free = {}, _stats = {}, _calls = {},
  }, Guard)
  for name in pairs(options.providers) do
    self._breakers[name], self._stats[name], self._calls[name] = {}, stats.new(), {}
    self._budgets[name] = budget.new(options.budget and options.budget[name])
    self._free[name] = latch.new()
  end
  return self
end

local function now()
  return core.reactor():now()
end

--- Chance of our own: the program's math.random keeps its sequence.
function M.random()
  return tonumber(core.random(4), 16) / 2 ^ 32
end

-- ---- What selection wants to know ----

--- @treturn number|nil latency in seconds
-- @treturn integer charges lately
-- @treturn integer those that succeeded
function Guard:record(name)
  local record = self._stats[name]
  return record.latency, stats.count(record, now())
end

-- ---- Breaker ----

local function breaker_of(self, name, operation)
  local states = self._breakers[name]
  if not states[operation] then states[operation] = breaker.new(self._breaker) end
  return states[operation]
end

local function set_breaker(self, name, operation, state)
  local before = self._breakers[name][operation]
  self._breakers[name][operation] = state
  if before.name == state.name then return end
  metrics.set("pix_breaker_open", state.name == "closed" and 0 or 1, name, operation)
  if self._on_breaker then self._on_breaker(name, operation, state.name) end
end

local function after_call(self, name, operation, err)
  local state = breaker_of(self, name, operation)
  set_breaker(self, name, operation, breaker.after_call(state, breaker.judge(err), now()))
end

-- ---- Calls under way ----

local KILLED = { kind = "cancelled", sent = "no" }

local function give_back(self, name, lane)
  self._budgets[name] = budget.give(self._budgets[name], lane)
  self._free[name]:open()
end

local function begin(self, name, operation, lane, deadline)
  local call = { operation = operation, lane = lane, placed = false, over = deadline + GRACE }
  self._calls[name][call] = true
  return call
end

-- err: nil, it has succeeded. Does nothing if the call was given up before.
local function finish(self, name, call, err)
  if not self._calls[name][call] then return end
  self._calls[name][call] = nil
  if call.placed then give_back(self, name, call.lane) end
  after_call(self, name, call.operation, err)
end

-- Gives up calls that must have ended. Were there any? And when must the next one have ended?
local function give_up(self, name)
  local at, any, next_at = now(), false, math.huge
  for call in pairs(self._calls[name]) do
    if call.over <= at then
      any = true
      finish(self, name, call, KILLED)
    else
      next_at = math.min(next_at, call.over)
    end
  end
  return any, next_at
end

--- @treturn number seconds for which an operation's breaker stays open; 0: it is not
function Guard:open_for(name, operation)
  local state = self._breakers[name][operation]
  if not state then return 0 end
  local available, seconds = breaker.available(state, now())
  if not available and give_up(self, name) then
    available, seconds = breaker.available(self._breakers[name][operation], now())
  end
  return available and 0 or seconds
end

-- ---- Asking the breaker ----

local function refused(name, operation, seconds)
  return core.error {
    kind = "unavailable", code = "breaker", sent = "no", provider = name, operation = operation,
    retry_after = seconds,
    message = ("%s has failed again and again; its breaker is open for %.0f s"):format(name,
      math.ceil(seconds)),
    hint = "wait, or give the checkout another provider",
  }
end

-- Starts a request and waits for it. Nothing is begun where waiting is impossible.
local function send(provider, operation, args)
  local host = hosts.current()
  local err = hosts.refuse(host)
  if err then return nil, err end
  local future = provider:start(operation, args)
  if not future:ready() then
    local ready
    ready, err = hosts.await(host, future)
    if not ready then return nil, err end
  end
  return future:result()
end

-- Is the provider back? Asked with a request that costs nothing, before an order has to find out.
local function probe(self, name, operation, left)
  local ok, err = send(self._providers[name], "check",
    { timeout = math.max(SHORTEST, math.min(PROBE_TIMEOUT, left)) })
  local outcome = breaker.judge(not ok and err or nil)
  metrics.count("pix_requests_total", name, "probe", ok and "ok" or err.kind)
  set_breaker(self, name, operation,
    breaker.after_probe(breaker_of(self, name, operation), outcome, now()))
end

-- Asks once more if a trial that was killed may have stood in the way.
local function ask_breaker(self, name, operation)
  local verdict, state
  repeat
    verdict, state = breaker.ask(breaker_of(self, name, operation), now(), CHEAP[operation])
  until verdict ~= "refuse" or not give_up(self, name)
  return verdict, state
end

-- nil when the call may be made; else the error.
local function pass_breaker(self, name, operation, left)
  for _ = 1, 2 do
    local verdict, state = ask_breaker(self, name, operation)
    if verdict == "refuse" then return refused(name, operation, state) end
    set_breaker(self, name, operation, state)
    if verdict == "call" then return nil end
    probe(self, name, operation, left)
  end
  return refused(name, operation, 1)
end

-- ---- Budget ----

local function exhausted(name, operation)
  return core.error {
    kind = "timeout", code = "budget", sent = "no", provider = name, operation = operation,
    message = "the deadline came before the provider's budget allowed a request",
    hint = "nothing was sent: repeat it, or raise the budget or the deadline",
  }
end

-- Waits for a place. nil when it has one; else the error.
local function pass_budget(self, name, operation, lane, deadline)
  while true do
    local new, seconds = budget.take(self._budgets[name], lane, now())
    if new then
      self._budgets[name] = new
      return nil
    end
    local any, next_at = false, math.huge
    if not seconds then any, next_at = give_up(self, name) end
    local left = deadline - now()
    if left <= SHORTEST or (seconds and seconds >= left) then return exhausted(name, operation) end
    local ok, err = true, nil
    if seconds then
      ok, err = hosts.sleep(seconds + SHORTEST)
    elseif not any then
      ok, err = self._free[name]:wait(math.min(left, next_at - now() + SHORTEST))
    end
    if ok == nil then return err end
  end
end

--- How many looks at this provider could leave now?
-- @treturn integer
-- @treturn number seconds after which to ask again
function Guard:room(name, operation)
  local seconds = self:open_for(name, operation)
  if seconds > 0 then return 0, seconds end
  local new, delay = budget.take(self._budgets[name], "poll", now())
  if not new and not delay then give_up(self, name) end
  return budget.polls(self._budgets[name], now()), delay or 1
end

--- Seconds between two looks at one charge: what the budget bears, and what the program asks for
-- while somebody waits (nil: nothing).
function Guard:pace(name)
  return budget.pace(self._budgets[name])
end

-- ---- Requests ----

local function note(self, name, operation, began, value, err)
  local took, outcome = now() - began, value and "ok" or err.kind
  metrics.count("pix_requests_total", name, operation, outcome)
  metrics.observe("pix_request_seconds", took, name, operation)
  if operation == "charge" then
    local verdict = breaker.judge(err)
    if verdict ~= "silent" then stats.add(self._stats[name], verdict == "good", took, now()) end
  end
  if self._log then
    self._log {
      level = value and "info" or "warn", event = "request", provider = name,
      operation = operation, outcome = outcome, sent = err and err.sent, ms = took * 1000,
      http_status = err and err.http_status, code = err and err.code,
      message = err and err.message, request_id = err and err.request_id,
    }
  end
end

local function too_late(name, operation)
  return core.error {
    kind = "timeout", code = "deadline", sent = "no", provider = name, operation = operation,
    message = "the deadline is over", hint = "nothing was sent: repeat it with a longer deadline",
  }
end

local function with_timeout(args, seconds)
  local all = {}
  for name, value in pairs(args) do
    all[name] = value
  end
  all.timeout = math.min(all.timeout or seconds, seconds)
  return all
end

--- One request. May yield.
-- @tparam string name the provider's
-- @tparam string operation
-- @tparam table args as the provider's method takes them
-- @tparam table options deadline (of the reactor's clock), lane = "order" or "poll"
-- @return the value, or nil and an error
function Guard:call(name, operation, args, options)
  local provider, lane = self._providers[name], options.lane or "order"
  if not provider:supports(operation) then
    return nil, core.error { kind = "unsupported", sent = "no", provider = name,
      operation = operation, message = ("%s cannot %s"):format(name, operation) }
  end
  local deadline = options.deadline or now() + provider:timeout()
  local call = begin(self, name, operation, lane, deadline)
  local err = pass_breaker(self, name, operation, deadline - now())
  if err then
    self._calls[name][call] = nil
    return nil, err
  end
  err = pass_budget(self, name, operation, lane, deadline)
  local left = math.min(deadline - now(), provider:timeout())
  if not err then
    call.placed, call.over = true, now() + left + GRACE
    if left < SHORTEST then err = too_late(name, operation) end
  end
  if err then
    finish(self, name, call, KILLED)
    return nil, err
  end
  local began = now()
  local value
  value, err = send(provider, operation, with_timeout(args, left))
  finish(self, name, call, not value and err or nil)
  note(self, name, operation, began, value, not value and err or nil)
  if value == nil then return nil, err end
  return value
end

--- Decides what follows a failed try of any class; see pix.retry.
function Guard:decide(class, err, tries, deadline)
  return retry.decide {
    class = class, err = err, tries = tries, options = self._retry, random = M.random(),
    left = deadline - now(),
  }
end

--- Waits before a try. May yield.
function Guard:pause(name, operation, seconds) -- luacheck: no self
  metrics.count("pix_retries_total", name, operation)
  return hosts.sleep(seconds)
end

--- A read, repeated as reads may be. May yield.
-- @treturn any|nil the value, or nil and an error, which has `attempts`
function Guard:read(name, operation, args, options)
  local deadline = options.deadline or now() + 2 * self._providers[name]:timeout()
  local tries = 0
  while true do
    tries = tries + 1
    local value, err = self:call(name, operation, args,
      { deadline = deadline, lane = options.lane })
    if value ~= nil then return value end
    err.attempts = tries
    local verdict, delay = self:decide("read", err, tries, deadline)
    if verdict ~= "repeat" or err.code == "breaker" then return nil, err end
    local ok, cancelled = self:pause(name, operation, delay)
    if not ok then return nil, cancelled end
  end
end

return M
