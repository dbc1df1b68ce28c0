--- Several providers as one shop: who is asked, what is repeated, what is remembered.
--
--     local shop = pix.checkout { ssg, detseg, select = "failover", journal = "pix.db" }
--     local charge, err = shop:charge { amount = "19.90", reference = "order-17" }
--     local status = charge:wait { timeout = 300 }
--
-- The rules for money are in docs/checkout.md. Without a journal everything works, in memory, and
-- says so once.
local charges = require "pix.charge"
local core = require "pix.core"
local events = require "pix.events"
local guards = require "pix.guard"
local hosts = require "pix.host"
local journals = require "pix.journal"
local latch = require "pix.latch"
local logs = require "pix.log"
local memory = require "pix.memory"
local options = require "pix.checkout.options"
local orders = require "pix.checkout.order"
local resolve = require "pix.resolve"
local choice = require "pix.select"
local settle = require "pix.checkout.settle"
local waiting = require "pix.waiting"
local wake = require "pix.wake"
local watches = require "pix.watch"

local M = {}

local Shop = {}
Shop.__index = Shop

local RANK = {
  unknown = 0, pending = 0, expired = 1, cancelled = 1, rejected = 1, paid = 2, refunded = 3,
}
local SLOW = 300
local ABANDONED = 30 -- seconds after an order's deadline, when nobody can be at it any more
local said = false -- that there is no journal

local function wall()
  return core.reactor():wall()
end

-- ---- Log ----

function Shop:_log(facts)
  local log = self._settings.log
  if not log then return end
  local line = logs.line(facts, wall())
  if log == true then io.stderr:write(line, "\n") else log(line) end
end

local function say_no_journal(self)
  if said then return end
  said = true
  if self._settings.log then
    return self:_log { level = "warn", event = "no_journal",
      message = "orders are kept in memory only: give journal = \"pix.db\"" }
  end
  io.stderr:write("pix.checkout: no journal is given: orders are kept in memory only, and a crash "
    .. "forgets them. Give journal = \"pix.db\", or journal = false to say that this is meant.\n")
end

-- ---- Charges of this shop ----

-- What a charge object asks when its methods are called.
local function keeper_of(self, name)
  local shop = self
  local keeper = {}
  function keeper.name() return name end
  function keeper.status(_, charge) return shop:_operate(charge, "status") end
  function keeper.cancel(_, charge) return shop:_operate(charge, "cancel") end
  function keeper.refund(_, charge) return shop:_operate(charge, "refund") end
  function keeper.wait(_, charge, timeout, on_poll)
    return shop:_wait(charge, timeout, on_poll)
  end
  return keeper
end

--- The fresh value of a provider as a charge of this shop.
function Shop:_adopt(value, row, attempts)
  value.reference, value.attempts = row.reference, attempts
  if row.kind ~= "charge" then return value end
  self._operations[value] = row.id
  self._live[row.id] = value
  return charges.adopt(value, self._keepers[row.provider])
end

--- The charge of an operation in the journal; the same object as long as the program holds it.
function Shop:_charge_of(row)
  local live = self._live[row.id]
  if live then return live end
  local value = {
    id = row.charge_id, provider = row.provider, status = row.status, amount = row.amount,
    raw_status = row.data and row.data.raw_status, code = row.code, code_kind = row.code_kind,
    sent = "yes",
  }
  if row.kind == "charge" and not self._keepers[row.provider] then return value end
  return self:_adopt(value, row, row.data and row.data.attempt or 1)
end

-- The operation of a charge, an id of one, or a reference.
function Shop:_row_of(subject)
  local id = type(subject) == "table" and self._operations[subject]
  local row, err
  if id then
    row, err = self._store:get(id)
  elseif type(subject) == "table" and subject.provider and subject.id then
    row, err = self._store:by_charge(subject.provider, subject.id)
  elseif type(subject) == "string" then
    row, err = self:_current(subject, "charge")
  else
    error("shop: a charge or a reference was expected, not " .. type(subject), 3)
  end
  if row then return row end
  return nil, err or core.error { kind = "not_found", sent = "no",
    message = "this shop's journal has no such charge",
    hint = "give the charge that shop:charge returned, or its reference" }
end

--- The operation that speaks for a reference: the newest.
function Shop:_current(reference, kind)
  local list, err = self._store:by_reference(reference)
  if not list then return nil, err end
  for i = #list, 1, -1 do
    if list[i].kind == kind then return list[i] end
  end
end

-- ---- What is heard of a charge ----

-- Money that came twice goes back; codes of an order that is paid are no longer good. Whether it is
-- the second payment is decided where it is recorded: both may be heard at the same time.
local function after_paid(self, row)
  if row.owed then return self:_give_back(row, true) end
  for _, other in ipairs(self._store:by_reference(row.reference) or {}) do
    if other.id ~= row.id and other.state == "answered" and other.status == "pending"
      and self._providers[other.provider]:supports "cancel" then
      settle.run(self, other, "cancel")
    end
  end
end

-- May the refund of a second payment be tried again without a person?
local function may_give_back_later(err)
  return waiting.passing(err) or err.kind == "journal" or err.kind == "cancelled"
    or err.code == "busy"
end

-- A second payment of one order. It stays due until it is given back or only a person can do that,
-- who is told then, and the `first` time that it fails.
function Shop:_give_back(row, first)
  local status, err = settle.run(self, row, "refund")
  if status or err.code == "busy" then return status, err end
  self:_log { level = "error", event = "duplicate", reference = row.reference,
    provider = row.provider, operation = "refund", outcome = err.kind, message = err.message }
  local again = may_give_back_later(err)
  if not again then self._store:later(row.id, { fence = row.fence }) end
  if first or not again then
    self._events:now("charge.attention", { reference = row.reference, provider = row.provider,
      kind = "charge", operation = row.id, amount = row.amount, charge = self:_charge_of(row),
      reason = "duplicate", needs_person = true })
  end
  return nil, err
end

local function move_live(self, row, heard)
  local live = self._live[row.id]
  if live then charges.move(live, heard) end
  self._watch:ring(row.id)
end

-- An expired or cancelled Pix may still be paid: it stays watched, slowly.
local function due_after(status)
  if RANK[status] == 1 then return wall() + SLOW end
  return nil
end

--- Records what a provider said of a charge; forward only. May yield.
-- @treturn string|nil the status that is known now, or nil and an error
function Shop:_heard(row, heard)
  if RANK[heard.status] <= RANK[row.status] and not (row.state == "unknown" or heard.charge_id) then
    if heard.status == row.status or RANK[row.status] == 0 then move_live(self, row, heard) end
    return row.status == "unknown" and heard.status or row.status
  end
  local after, changed = self._store:status(row.id, {
    status = heard.status, now = wall(), charge_id = heard.charge_id, orphan = heard.orphan,
    due = heard.due or due_after(heard.status), data = { raw_status = heard.raw_status },
  })
  if not after then return nil, changed end
  move_live(self, after, { status = after.status, raw_status = heard.raw_status })
  self:_tell()
  if changed and after.status == "paid" then after_paid(self, after) end
  return after.status
end

function Shop:_tell()
  self._events:tell()
end

function Shop:_can_resolve(row)
  return resolve.possible(self._providers[row.provider], row)
end

--- Looks once for what became of an operation, within an order's deadline.
function Shop:_resolve(row, order)
  return resolve.look(self, row, { deadline = order.deadline, tax_id = order.tax_id })
end

-- ---- Charge objects' methods ----

function Shop:_operate(charge, operation)
  local row, err = self:_row_of(charge)
  if not row then return nil, err end
  local status
  if operation == "status" then
    status, err = self._watch:look(row, "order")
  else
    status, err = settle.run(self, row, operation)
  end
  if not status then return nil, err end
  return { status = status, raw_status = charge.raw_status }
end

function Shop:_wait(charge, timeout, on_poll)
  local row, err = self:_row_of(charge)
  if not row then return nil, err end
  move_live(self, row, { status = row.status })
  if watches.CLOSED[charge.status] then return charge.status end
  local status, problem, last = self._watch:wait(row, charge, timeout, on_poll)
  if status then return status end
  return nil, problem or charges.not_paid(charge, timeout, last)
end

-- ---- Selection ----

local function chance(text)
  return tonumber(core.hex_sha256(text):sub(1, 8), 16) / 2 ^ 32
end

local function facts_of(self, order)
  local list, settings = {}, self._settings
  for i, name in ipairs(settings.names) do
    local provider = settings.providers[name]
    local latency, all, good = self._guard:record(name)
    list[i] = {
      name = name, weight = settings.weights[name], fee = settings.fees[name], latency = latency,
      all = all, good = good, open_for = self._guard:open_for(name, order.kind),
      supports = { [order.kind] = provider:supports(order.kind) },
    }
  end
  return { operation = order.kind, amount = order.amount, reference = order.reference,
    tax_id = order.tax_kind, turn = self._turn, chance = chance, providers = list }
end

local function plan_of(self, order)
  return choice.choose(facts_of(self, order), self._settings.strategy, self._settings.rules)
end

-- ---- Orders ----

-- One operation of a kind at a time for a reference: who comes second hears the first one's answer.
-- `order` has kind, reference, params and deadline.
function Shop:_one_at_a_time(order, f)
  local key = order.kind .. "\n" .. order.reference
  while self._flights[key] do
    local flight = self._flights[key]
    if flight.params ~= order.params then break end -- the journal says that it conflicts
    if core.reactor():now() > flight.deadline + ABANDONED then
      self._flights[key] = nil -- its coroutine was killed
      break
    end
    local ready, err = flight.latch:wait(math.max(0, order.deadline - core.reactor():now()))
    if ready == nil then return nil, err end
    if not ready then break end
  end
  local mine = { params = order.params, latch = latch.new(), deadline = order.deadline }
  local alone = not self._flights[key]
  if alone then self._flights[key] = mine end
  local results = { xpcall(f, function(raised)
    return type(raised) == "string" and debug.traceback(raised, 2) or raised
  end) }
  if alone then
    self._flights[key] = nil
    mine.latch:open()
  end
  if not results[1] then error(results[2], 0) end
  return results[2], results[3]
end

local function begin(self, kind, args)
  if self._closed then error("shop:" .. kind .. ": the shop is closed", 2) end -- a tail call
  local refused = hosts.refuse(hosts.current())
  if refused then return nil, refused end
  local order, err = options.order(self._settings, kind, args, journals.hash)
  if not order then return nil, err end
  order.plan = plan_of(self, order)
  self._turn = self._turn + 1
  return self:_one_at_a_time(order, function() return orders.run(self, order) end)
end

--- Asks for a payment. The same reference again gives the same charge. May yield.
-- @tparam table args amount, reference (your order's number; without it one is made), description,
--   payer, webhook; deadline and expires_in in seconds
-- @treturn table|nil a charge with `reference` and `attempts`, or nil and an error; when `err.sent`
--   is "maybe" the charge may exist
function Shop:charge(args)
  return begin(self, "charge", args)
end

--- Begins a subscription by card. Never repeated unless surely nothing was sent. May yield.
-- @tparam table args plan, payer, card, trial, send_confirmation, reference, deadline
function Shop:subscribe(args)
  return begin(self, "subscribe", args)
end

--- Looks at a charge. May yield.
-- @param charge a charge, or a reference
-- @treturn string|nil the status, or nil and an error
function Shop:status(charge)
  local row, err = self:_row_of(charge)
  if not row then return nil, err end
  if row.state ~= "answered" then
    return nil, core.error { kind = "conflict", sent = row.state == "failed" and "no" or "maybe",
      code = row.state, provider = row.provider, operation = "status",
      message = ("the order has no charge: its last try is %s"):format(row.state) }
  end
  return self._watch:look(row, "order")
end

local function settle_public(self, charge, operation)
  local row, err = self:_row_of(charge)
  if not row then return nil, err end
  return settle.run(self, row, operation)
end

--- Cancels a charge that is not paid, where its provider can. May yield.
-- @param charge a charge, or a reference
-- @treturn string|nil the status, or nil and an error
function Shop:cancel(charge)
  return settle_public(self, charge, "cancel")
end

--- Pays a charge back, where its provider can. May yield.
-- @param charge a charge, or a reference
-- @treturn string|nil the status, or nil and an error
function Shop:refund(charge)
  return settle_public(self, charge, "refund")
end

--- Who would be asked for such an order, and why. Sends nothing.
-- @tparam table args as for shop:charge; operation = "subscribe" for a subscription
-- @treturn table|nil { chosen, order, out = { name = reason }, why, rule, strategy }
function Shop:explain(args)
  local kind, rest = "charge", {}
  for name, value in pairs(args or {}) do
    if name == "operation" then kind = value else rest[name] = value end
  end
  if kind ~= "charge" and kind ~= "subscribe" then
    error("shop:explain: operation is \"charge\" or \"subscribe\"", 2)
  end
  local order, err = options.order(self._settings, kind, rest, journals.hash)
  if not order then return nil, err end
  local plan = plan_of(self, order)
  local strategy = self._settings.strategy
  return { chosen = plan.order[1], order = plan.order, out = plan.out, why = plan.why,
    rule = plan.rule, strategy = type(strategy) == "string" and strategy or "function" }
end

-- ---- Webhooks, watching, starting and ending ----

--- Takes in a genuine webhook (pix.webhook.verify): the charge it speaks of is looked at at once,
-- because the provider's own answer is what counts. May yield.
-- @tparam table event provider, id, status, key
-- @treturn string|nil the charge's status, "unmatched" when no charge of this shop is meant; or
--   nil and an error: let the provider send it again
function Shop:webhook(event)
  if type(event) ~= "table" or not (event.provider and event.id and event.key) then
    error("shop:webhook: the event that pix.webhook.verify returned was expected", 2)
  end
  local seen, err = self._store:webhook { provider = event.provider, key = event.key,
    charge_id = event.id, status = "unknown", now = wall() }
  if not seen then return nil, err end
  if not seen.operation then return "unmatched" end
  local status
  status, err = self._watch:look(seen.operation, "order")
  self._watch:ring(seen.operation.id)
  wake.wake(wake.key(event))
  return status, err
end

--- Watches all charges of the journal until the shop is closed. May yield: a task of its own.
-- @tparam[opt] table settings idle = true: ends when nothing is left; ["for"] = seconds
function Shop:watch(settings)
  return self._watch:run(settings)
end

--- To be called once at a start: what a former process left in flight becomes unknown, and is never
-- done again (G3); unknown outcomes are looked into; second payments that were not given back are;
-- events that were not taken are told. May yield.
-- What is in flight is left alone until its lease is over, because another process may be at it -
-- unless it is of this worker's name (option `worker`), or:
-- @tparam[opt] table settings sole = true: no other process uses this journal
-- @treturn table|nil { unknown, resolved, waiting } as numbers, or nil and an error
function Shop:recover(settings)
  local own = self._settings.worker ~= nil and not self._recovered
  local list, err = self._store:recover { now = wall(), own = own,
    sole = settings and settings.sole or false }
  if not list then return nil, err end
  self._recovered = true
  local unknown
  unknown, err = self._store:list { state = "unknown", n = 1000 }
  if not unknown then return nil, err end
  local resolved = 0
  for _, row in ipairs(unknown) do
    if self._providers[row.provider] and self:_can_resolve(row) then
      local outcome = resolve.look(self, row)
      if outcome == "found" or outcome == "absent" then resolved = resolved + 1 end
    end
  end
  local watched
  watched, err = self._store:watched { n = 1000 }
  if not watched then return nil, err end
  for _, row in ipairs(watched) do
    if row.owed and self._providers[row.provider] then self:_give_back(row) end
  end
  self:_tell()
  return { unknown = #unknown - resolved, resolved = resolved, waiting = #watched }
end

--- Ends watching and closes the journal.
function Shop:close()
  if self._closed then return end
  self._closed = true
  self._watch:close()
  self._store:close()
end

-- ---- Construction ----

local function open_store(settings)
  local where = settings.journal
  if not where then return memory.open() end
  if type(where) == "table" then return where end -- opened by the program
  return journals.open(where, { worker = settings.worker })
end

local function new_guard(self, settings)
  return guards.new {
    providers = settings.providers, breaker = settings.breaker, budget = settings.budget,
    retry = settings.retry, log = function(facts) self:_log(facts) end,
    on_breaker = function(provider, operation, state)
      self._events:now("breaker." .. state, { provider = provider, operation = operation })
      self:_log { level = "warn", event = "breaker." .. state, provider = provider,
        operation = operation }
    end,
  }
end

--- Makes a checkout: providers in order, and select ("failover"), rules, weights, fees, retry,
-- deadline (30 s), on_unknown ("stop"), journal, worker, on_event, breaker, budget, expires_in
-- (3600 s), log. Raises on a wrong option.
-- @param _ the module, for it is called like a function
-- @tparam table given
-- @treturn table|nil the shop, or nil and an error when the journal cannot be opened
local function new(_, given)
  local settings = options.checkout(given)
  local store, err = open_store(settings)
  if not store then return nil, err end
  local self = setmetatable({
    _settings = settings, _providers = settings.providers, _store = store, _turn = 0,
    _flights = {}, _unwritten = {}, _absent = {}, _keepers = {},
    _live = setmetatable({}, { __mode = "v" }), _operations = setmetatable({}, { __mode = "k" }),
  }, Shop)
  for _, name in ipairs(settings.names) do
    self._keepers[name] = keeper_of(self, name)
  end
  self._events = events.new(self, settings.on_event)
  self._guard = new_guard(self, settings)
  self._watch = watches.new(self)
  if settings.journal == nil then say_no_journal(self) end
  return self
end

return setmetatable(M, { __call = new })
