--- Events for the program: taken from the journal's outbox, handed over, acknowledged. At least
-- once, in their order, with stable ids (G9).
local core = require "pix.core"
local hosts = require "pix.host"
local metrics = require "pix.metrics"
local tasks = require "pix.tasks"

local M = {}

local Events = {}
Events.__index = Events

local LONGEST = 60 -- seconds for one event, as long as its lease: then it is told again anyhow

local PERSON = {
  ["charge.duplicate"] = "refund", ["refund.failed"] = true, ["subscribe.unknown"] = true,
}

--- @tparam table shop
-- @tparam[opt] function handler the program's
function M.new(shop, handler)
  return setmetatable({ _shop = shop, _handler = handler, _busy = false, _dirty = false }, Events)
end

-- Does a person have to do something?
local function needs_person(shop, event, operation)
  local what = PERSON[event.type]
  if event.type == "charge.unknown" then
    return not shop._providers[operation.provider]
      or not shop._providers[operation.provider]:supports "search"
  end
  if what ~= "refund" then return what == true end
  local provider = shop._providers[operation.provider]
  return not (provider and provider:supports "refund")
end

local function of_operation(shop, event, operation)
  local out = {
    id = event.id, type = event.type, at = event.at, reference = operation.reference,
    kind = operation.kind, operation = operation.id, provider = operation.provider,
    amount = operation.amount, status = operation.status,
  }
  if needs_person(shop, event, operation) then out.needs_person = true end
  if operation.kind == "charge" and operation.charge_id then
    out.charge = shop:_charge_of(operation)
  elseif operation.kind == "cancel" or operation.kind == "refund" then
    local subject = shop._store:get(operation.reference)
    if subject then
      out.reference, out.charge = subject.reference, shop:_charge_of(subject)
    end
  end
  return out
end

local function hand_over(self, event)
  metrics.count("pix_events_total", event.provider, event.kind, event.type)
  local ok, problem = xpcall(self._handler, debug.traceback, event)
  if ok then return true end
  self._shop:_log { level = "error", event = "on_event", request_id = event.id,
    message = "the program's on_event failed: " .. tostring(problem) }
  return false
end

local function deliver(self, event)
  local operation = event.operation
  if not operation then return true end
  return hand_over(self, of_operation(self._shop, event, operation))
end

local function now()
  return core.reactor():now()
end

local function batch(self, teller)
  local shop = self._shop
  local list = shop._store:events { now = core.reactor():wall() }
  if not list or #list == 0 then return false end
  local taken = {}
  for _, event in ipairs(list) do
    teller.seen = now()
    if deliver(self, event) then
      taken[#taken + 1] = event.id
    end
  end
  shop._store:acknowledge(taken)
  return #taken > 0
end

local function pump(self, teller)
  repeat
    self._dirty = false
    local ok, more = xpcall(batch, debug.traceback, self, teller)
    if not ok then
      self._shop:_log { level = "error", event = "events", message = tostring(more) }
    end
  until not (ok and more) and not self._dirty
  if self._busy == teller then self._busy = false end
end

-- One that has stood still for too long was killed (by nginx, when a client goes away).
local function is_telling(self)
  return self._busy and now() - self._busy.seen <= LONGEST
end

--- Tells the program what has happened. With a durable journal as a task of its own where that is
-- possible, so that a charge does not wait for its events.
function Events:tell()
  if not self._handler then
    if self._shop._store:name() ~= "memory" then return end
    self._handler = function() end -- nobody listens: what lies in memory must not grow
  end
  if is_telling(self) then
    self._dirty = true
    return
  end
  local teller = { seen = now() }
  self._busy = teller
  if self._shop._store:name() ~= "memory" and hosts.current() == hosts.scheduler then
    tasks.spawn(pump, self, teller)
  else
    pump(self, teller)
  end
end

--- An event that is about no operation of the journal: it is told once, and not kept.
function Events:now(kind, facts)
  local event = { id = "evt-" .. core.random(12), type = kind, at = core.reactor():wall() }
  for name, value in pairs(facts) do
    event[name] = value
  end
  if self._handler then hand_over(self, event) end
end

return M
