--- pix.testing.flow(file): runs a flow with scripted outcomes and a virtual clock.
--
-- A scripted shop stands in the place of the checkout: what each charge, refund and cancel comes to
-- is said by the test, or by nobody, and then all goes well. Nothing reaches a network, and hours
-- pass at once.
local core = require "pix.core"
local load = require "pix.flow.load"
local memory = require "pix.flow.memory"
local options = require "pix.flow.options"
local runner = require "pix.flow.runner"
local tasks = require "pix.tasks"
local testing = require "pix.testing"

local M = {}

local Test = {}
Test.__index = Test

local MOST_STEPS = 1000 -- then the run is stopped: what is scripted last is said again and again
local AFTER = 1 -- virtual seconds until a scripted outcome comes

-- ---- The scripted shop ----

local Charge = {}
Charge.__index = Charge

-- What the test says of a state, once: the next of its list, or the last one again.
local function scripted(self, state, default)
  local script = self._script[state]
  if script == nil then return default end
  if type(script) ~= "table" then return script end
  local at = math.min(self._turn[state] or 1, #script)
  self._turn[state] = at + 1
  return script[at]
end

local function failure(kind, sent, message)
  return nil, core.error { kind = kind, sent = sent, message = message or "scripted" }
end

local STATUS = { paid = "paid", expired = "expired", cancelled = "cancelled", failed = "rejected" }

function Charge:wait(given)
  if STATUS[self.status] then return self.status end
  local wanted = self._test:_outcome_of(self)
  if not STATUS[wanted] or given.timeout < AFTER then
    local ok, err = tasks.sleep(given.timeout)
    if not ok then return nil, err end
    return failure("timeout", "yes")
  end
  local ok, err = tasks.sleep(AFTER)
  if not ok then return nil, err end
  return self._test:_move(self, STATUS[wanted])
end

function Charge:refresh()
  return self.status
end

function Charge:cancel()
  if self.status ~= "pending" then return failure("conflict", "yes") end
  local node = self._test:_node()
  local wanted = node.verb == "cancel" and scripted(self._test, node.name, "cancelled")
  if wanted == "paid" then self._test:_move(self, "paid") end
  if wanted == "paid" or wanted == "failed" then return failure("unsupported", "no") end
  if self._test._doubt[self.reference] then return failure("unsupported", "no") end
  return self._test:_move(self, "cancelled")
end

function Charge:refund()
  if self.status ~= "paid" then return failure("conflict", "yes") end
  local state = self._test._run and self._test._run.state
  if scripted(self._test, state, "refunded") ~= "refunded" then
    return failure("unsupported", "no", "the provider cannot refund")
  end
  return self._test:_move(self, "refunded")
end

local Shop = {}
Shop.__index = Shop

function Shop:charge(ask)
  local test = self.test
  local known = test.ledger[ask.reference]
  if known then return known end
  local wanted = scripted(test, test._run.state, "paid")
  if wanted == "failed" then return failure("declined", "no") end
  local amount, err = core.money(ask.amount)
  if not amount then return nil, err end
  test._count = test._count + 1
  local charge = setmetatable({ id = "charge-" .. test._count, provider = "test", amount = amount,
    status = "pending", code = "code-" .. test._count, code_kind = "opaque",
    reference = ask.reference, _test = test, _wanted = wanted }, Charge)
  test.ledger[ask.reference] = charge
  test.charges[#test.charges + 1] = charge
  if wanted == "unknown" then return failure("timeout", "maybe") end
  return charge
end

function Shop:revive(saved)
  for _, charge in ipairs(self.test.charges) do
    if charge.id == saved.id then return charge end
  end
end

function Shop:subscribe(ask)
  local wanted = scripted(self.test, self.test._run.state, "subscribed")
  if wanted == "declined" then return failure("declined", "yes") end
  if wanted == "unknown" then return failure("timeout", "maybe") end
  if wanted ~= "subscribed" then return failure("unavailable", "no") end
  return { subscription_id = "subscription-" .. ask.plan, provider = "test", status = "paid" }
end

-- ---- The test ----

function Test:_node()
  return self._graph.by[self._run.state]
end

-- A charge that is waited for in another state comes to what is scripted there.
function Test:_outcome_of(charge)
  local node = self:_node()
  if node.verb == "wait" then return scripted(self, node.name, "paid") end
  return charge._wanted
end

function Test._move(_, charge, status)
  charge.status = status
  return status
end

local function perform_table(self)
  return setmetatable({}, { __index = function(_, title)
    return function(args, context)
      table.insert(self.performed, { name = title, args = args, key = context.key })
      local given = self._perform[title]
      if type(given) == "function" then return given(args, context) end
      local wanted = scripted(self, self._run.state, "ok")
      if wanted == "timed_out" then tasks.sleep(3600) end
      if wanted ~= "ok" then return nil, wanted end
      return self._returns[title] == nil or self._returns[title]
    end
  end })
end

-- At a question the scripted answer is given, in a moment; without one the time runs out.
local function answer_later(self)
  local node = self:_node()
  local wanted = scripted(self, node.name, nil)
  if wanted == nil or wanted == "timed_out" then return end
  tasks.spawn(function()
    tasks.sleep(AFTER)
    if not self._run:answer(wanted) and not self._run:signal(wanted) then
      error(("pix.testing.flow: %s has no answer %q"):format(node.name, wanted), 0)
    end
  end)
end

-- A signal comes because the test says so, or because the outcome that is scripted is one.
local function signal_of(self, node)
  local given = self._signals[node.name]
  self._signals[node.name] = nil
  if given or node.verb == "ask" then return given end
  local script, at = self._script[node.name], self._turn[node.name] or 1
  local wanted = type(script) == "table" and script[math.min(at, #script)] or script
  for _, edge in ipairs(node.edges) do
    if edge.signal and edge.outcome == wanted then return wanted end
  end
end

local function signal_later(self)
  local script = signal_of(self, self:_node())
  if not script then return end
  tasks.spawn(function()
    tasks.sleep(AFTER / 2)
    self._run:signal(script)
  end)
end

local function ui_of(self)
  return { show = function(name, data)
    table.insert(self.shown, name)
    local state = self._run.state
    if self._graph.by[state].verb == "ask" then answer_later(self) end
    self._data = data
  end }
end

local function options_of(self)
  self.shop = setmetatable({ test = self, durable = true }, Shop)
  return options.prepare(self._graph, {
    checkout = self.shop, perform = perform_table(self), journal = self.journal, ui = ui_of(self),
    card = "card", alert = function(message) table.insert(self.alerts, message) end,
    on_error = function(message) table.insert(self.errors, message) end,
    on_step = function(step)
      table.insert(self.path, step)
      self._run = step.run
      if #self.path >= self._limit then return step.run:stop() end
      signal_later(self)
    end,
  }, "pix.testing.flow")
end

--- Says what states come to: state = outcome, or a list of outcomes, one for each time. Charges may
-- say paid, expired, failed, unknown, cancelled; what is not said goes well.
-- @tparam table script
-- @treturn table self
function Test:script(script)
  for state, outcome in pairs(script) do
    if not self._graph.by[state] then
      error("pix.testing.flow: there is no state " .. tostring(state), 2)
    end
    self._script[state] = outcome
  end
  return self
end

--- A signal comes while the run is in a state.
function Test:signal(state, name)
  self._signals[state] = name
  return self
end

--- Says what a function of the host's returns where it goes well.
function Test:returns(title, value)
  self._returns[title] = value
  return self
end

--- Puts a function in the place of the host's.
function Test:perform(title, f)
  self._perform[title] = f
  return self
end

--- Runs the flow to its end, in virtual time.
-- @tparam[opt] table input
-- @treturn string the state in which it ended
-- @treturn string "done" or "failed"
function Test:run(input)
  local data, err = options.input(self._graph, input)
  if not data then error("pix.testing.flow: " .. err.message, 2) end
  self.path, self.shown, self._turn = {}, {}, {}
  local run = assert(runner.begin(self._flow, data, assert(options_of(self))))
  self._run = run
  signal_later(self)
  local outcome, result = run:wait()
  self.result = result
  return run.state, outcome
end

--- Goes on with the run after it was stopped or its journal failed, as after a restart.
-- @treturn string the state in which it ended
-- @treturn string "done" or "failed"
function Test:resume()
  local given = assert(options_of(self))
  self._resumed = (self._resumed or 0) + 1
  self.journal.worker = "restart " .. self._resumed
  local rows = assert(self.journal:run_claim { now = core.reactor():wall(), sole = true })
  for _, row in ipairs(rows) do
    self._run = runner.start(runner.of(self._flow, row, given), true)
  end
  if #rows == 0 then -- it had ended, and only the program did not know
    local row = self.journal:run_get(self._run.id)
    self._run.state, self._run.ended = row.state, true
    self._run.outcome = self:_node().verb == "done" and "done" or "failed"
  end
  local outcome, result = self._run:wait()
  self.result = result
  return self._run.state, outcome
end

--- The path of the last run: "pay —paid→ brew —ok→ thanks".
function Test:way()
  local parts = {}
  for _, step in ipairs(self.path) do
    parts[#parts + 1] = ("%s —%s→ "):format(step.from, step.outcome)
  end
  return table.concat(parts) .. self._run.state
end

--- Seconds of virtual time since the start.
function Test:now()
  return self.t:now()
end

--- Ends the test: the real clock is back.
function Test:stop()
  self.t:stop()
end

--- Opens a flow for tests.
-- @tparam string where path or text
-- @treturn table script, signal, perform, run, way, now, stop; and what happened: path, shown,
--   performed, alerts, errors, charges, journal, result
function M.flow(where)
  local flow, err = load.load(where)
  if not flow then error("pix.testing.flow: " .. err.message, 2) end
  local self = setmetatable({
    _flow = flow, _graph = flow.graph, _script = {}, _turn = {}, _signals = {}, _perform = {},
    _returns = {}, _limit = MOST_STEPS, _doubt = {}, _count = 0, ledger = {}, charges = {},
    performed = {}, alerts = {}, errors = {},
    path = {}, shown = {}, journal = memory.new(), t = testing.start(),
  }, Test)
  return self
end

return M
