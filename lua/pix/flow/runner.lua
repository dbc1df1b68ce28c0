--- A run of a flow: goes from state to state, in any host, and writes each transition down before
-- its effect begins.
--
-- DESIGN: a run is one task. It comes to a state (journaled), does the state's effect
-- (effects.lua), hears an outcome, follows the edge: the next state, with all the data it needs, is
-- journaled in one step. What a crash leaves behind is a state whose effect may have begun;
-- resume.lua goes on from there. lease.lua keeps the run in this worker's hands. A signal cancels
-- the wait that the run is in, never a request that moves money. Data is plain JSON: { scopes,
-- charges, counts, tries, since, first }.
local core = require "pix.core"
local effects = require "pix.flow.effects"
local lease = require "pix.flow.lease"
local tasks = require "pix.tasks"
local values = require "pix.flow.values"
local verbs = require "pix.flow.verbs"

local M = {}

local Run = {}
Run.__index = Run

local EXPIRES = 300
local MOST_INSTANT = 1000 -- states in a row without a wait: the verifier sees to it that none is
local JOURNAL_PAUSE = 1

local Stop = {} -- raised inside the run's own task when it must not go on

-- ---- Data ----

--- Seconds since the epoch, as the reactor has it.
function Run.now()
  return core.reactor():wall()
end

--- The data of a scope: "" is the flow itself, "part/" a flow that it runs.
function Run:scope_of(path)
  return self.data.scopes[path:match "^(.*/)[^/]*$" or ""]
end

-- Names in a state's values: the scope's data, and the charges of the same flow as {pay.id}.
local function names_for(run, node)
  local names = {}
  for name, record in pairs(run.data.charges) do
    if run._graph.by[name].scope == node.scope then
      names[name:sub(#node.scope + 1)] = record.charge or {}
    end
  end
  for name, value in pairs(run.data.scopes[node.scope]) do names[name] = value end
  return names
end

local function context_of(run, node)
  local scope = run._graph.scopes[node.scope]
  if not scope.types then
    scope.types = {}
    for name, row in pairs(scope.input) do scope.types[name] = row.type end
  end
  return scope
end

--- A value of a state. What a function of the flow raises ends the run, in a person's hands.
function Run:value(node, value)
  if value == nil then return nil end
  local result, err = values.get(value, names_for(self, node), context_of(self, node))
  if err then error({ defect = err }, 0) end
  return result
end

--- A table of values.
function Run:values(node, rows)
  local result = {}
  for _, row in ipairs(rows or {}) do result[row.name] = self:value(node, row.value) end
  return result
end

--- Keeps something under a name.
function Run:save(node, name, value)
  self.data.scopes[node.scope][name] = value
end

local function edge_of(node, outcome)
  for _, edge in ipairs(node.edges) do
    if edge.outcome == outcome then return edge end
  end
end

--- Does the state have this outcome?
function Run.has_edge(_, node, outcome)
  return edge_of(node, outcome) ~= nil
end

-- ---- The host ----

--- Tells the program of something that went wrong and does not stop the run.
function Run:complain(message)
  local handler = self._options.on_error
  if handler then return handler(message, self) end
  io.stderr:write("pix.flow: run ", self.id, ": ", tostring(message), "\n")
end

local function guarded(run, f, ...)
  local ok, result, err = pcall(f, ...)
  if not ok then
    run:complain(result)
    return nil, result
  end
  return result, err
end

-- What a view gets: the names, and what belongs to a charge.
local function view_data(run, node, charge)
  local data = values.copy(names_for(run, node))
  data.run, data.state, data.signals, data.answers = run.id, node.name, {}, {}
  for _, edge in ipairs(node.edges) do
    local list = edge.signal and data.signals or node.verb == "ask" and data.answers
    if list and edge.outcome ~= "timed_out" then list[#list + 1] = edge.outcome end
  end
  if charge then
    local record = run.data.charges[node.args.of or node.name]
    data.charge, data.code, data.amount = charge, charge.code, charge.amount
    data.expires_at = record and record.expires_at
    data.seconds = data.expires_at and math.max(0, data.expires_at - run:now())
  end
  return data
end

--- Shows the state's view, if it has one.
function Run:show(node, charge)
  local name = self:value(node, node.args.show)
  local ui = self._options.ui
  if name ~= nil and ui and ui.show then
    guarded(self, ui.show, tostring(name), view_data(self, node, charge))
  end
end

--- ui.ask, where the host has it, answers in a task of its own.
function Run:ask_host_aside(node)
  local ui = self._options.ui
  if not (ui and ui.ask) then return end
  local name, data = tostring(self:value(node, node.args.show)), view_data(self, node)
  local step = self._step
  tasks.spawn(function()
    local answer, value = guarded(self, ui.ask, name, data)
    if answer ~= nil and self._step == step then self:answer(answer, value) end
  end)
end

--- A value that the host alone may give, as `card`.
function Run:ask_host(name)
  local given = self._options[name]
  if type(given) ~= "function" then return given end
  return (guarded(self, given, self))
end

--- Hands a message to the person's queue. true, or nil and why not.
function Run:tell_person(message, node)
  local alert = self._options.alert
  local facts = { run = self.id, flow = self._graph.name, state = node.name,
    charges = values.copy(self.data.charges) }
  local ok, result, err = pcall(alert, message, facts)
  if not ok then return nil, result end
  if result == nil and err ~= nil or result == false then return nil, err or "refused" end
  return true
end

-- ---- The journal ----

local function write(run, facts)
  facts.fence, facts.step, facts.data, facts.lease = run._fence, run._step, run.data, run._lease
  while true do
    facts.now = run:now()
    local step, err = run._journal:run_step(run.id, facts)
    if step then
      run._step = step
      lease.renewed(run, facts.now)
      return true
    end
    if err.kind == "conflict" then
      run._stopped = "stale"
      error(Stop, 0)
    end
    run:complain(err)
    if run._stopped then error(Stop, 0) end
    tasks.sleep(JOURNAL_PAUSE)
  end
end

--- Writes down what happened within a state. false when the run was stopped.
function Run:note(cause)
  if self._stopped then return false end
  return write(self, { state = self.state, cause = cause })
end

--- To be called before money is moved or the host does something: is the run still this worker's?
-- Ends the run's task where it is not. May yield.
function Run:hold()
  if not lease.hold(self) then error(Stop, 0) end
end

--- Another worker has the run: this one goes no further.
function Run:lose()
  self._stopped = "stale"
  if self._waiting then self._task:cancel() end
end

-- What was stopped in order is free for others at once, and not when its lease is over.
local function give_back(run)
  if run._stopped == "stopped" and run._journal.run_later then
    run._journal:run_later(run.id, { fence = run._fence, due = run:now() })
  end
end

-- ---- Transitions ----

local function ask_for(run, node, count)
  local args = node.args
  local reference = run:value(node, args.reference)
  reference = reference ~= nil and tostring(reference) or run.id .. "/" .. node.name
  if count > 1 then reference = ("%s/%d"):format(reference, count) end
  local ask = { reference = reference, payer = args.payer and run:values(node, args.payer) or nil }
  if node.verb == "subscribe" then
    ask.plan, ask.trial = run:value(node, args.plan), run:value(node, args.trial)
    return { ask = ask }
  end
  ask.amount, ask.description = run:value(node, args.amount), run:value(node, args.description)
  return { ask = ask, expires = run:value(node, args.expires) or EXPIRES }
end

-- All that a state needs is there before it is written down.
local function prepare(run, node)
  local data = run.data
  local count = (data.counts[node.name] or 0) + 1
  data.counts[node.name], data.tries, data.since = count, 1, run:now()
  if verbs.charging[node.verb] then
    data.charges[node.name] = ask_for(run, node, count)
    run._live[node.name] = nil
  end
end

local function told(run, from, outcome, to, note)
  local on_step = run._options.on_step
  if not on_step then return end
  guarded(run, on_step, { from = from, outcome = outcome, to = to, run = run,
    note = note and note.note })
end

local function go(run, node, outcome, note)
  local edge = edge_of(node, outcome)
  if not edge then
    -- uncovered: the flow was proved to have an edge for each outcome
    error({ defect = ("%s has no outcome %s"):format(node.name, tostring(outcome)) }, 0)
  end
  local to = run._graph.by[edge.to]
  prepare(run, to)
  local events = node.verb == "alert" and { { type = "flow.alert", data = { state = node.name,
    message = note and note.note } } } or nil
  write(run, { state = to.name, cause = outcome, step_data = note, ended = verbs.ending[to.verb],
    events = events })
  run.state, run._resumed, run._signal, run._hurried = to.name, false, nil, nil
  told(run, node.name, outcome, to.name, note)
end

local function finish(run, node)
  run:show(node)
  run.ended = true
  run.outcome, run.result = node.verb == "done" and "done" or "failed",
    run:values(node, node.args.result)
end

local function step(run)
  local node = run._graph.by[run.state]
  if verbs.ending[node.verb] then
    finish(run, node)
    return false
  end
  local outcome, note = effects[node.verb](run, node)
  if outcome == nil or run._stopped then error(Stop, 0) end
  go(run, node, outcome, note)
  return true
end

-- The flow's own code failed, or we did: nothing stays payable, and a person is told.
local function abandon(run, message)
  local node = run._graph.by[run.state]
  run:complain(message)
  local money = effects.give_up(run)
  local words = ("%s: run %s stopped at %s: %s%s"):format(run._graph.name, run.id, run.state,
    tostring(message), money and "; money may have been taken" or "")
  while not run:tell_person(words, node) do tasks.sleep(JOURNAL_PAUSE * 5) end
  write(run, { state = run.state, cause = "defect", step_data = { note = tostring(message) },
    ended = true })
  run.ended, run.outcome, run.result = true, "failed", { defect = tostring(message) }
end

local function traced(raised)
  if raised == Stop or type(raised) == "table" then return raised end
  return debug.traceback(tostring(raised), 2)
end

local INSTANT = { choose = true, set = true, enter = true, leave = true }

local function steps(run)
  local instant = 0
  repeat
    instant = INSTANT[run._graph.by[run.state].verb] and instant + 1 or 0
    if instant > MOST_INSTANT then error({ defect = "the flow goes round without waiting" }, 0) end
  until not step(run)
end

-- Returns what run:wait returns.
local function live(run)
  local ok, raised = xpcall(function() steps(run) end, traced)
  if not ok and type(raised) == "table" and raised.defect then
    ok, raised = xpcall(function() abandon(run, raised.defect) end, traced)
  end
  if ok then return run.outcome, run.result end
  if raised == Stop then
    give_back(run)
    return nil, core.error { kind = "cancelled", sent = "no", operation = "flow",
      message = "the run was stopped; pix.flow.resume goes on with it" }
  end
  error(raised, 0)
end

-- The run's task.
local function body(run)
  local ok, outcome, result = pcall(live, run)
  lease.drop(run)
  if not ok then error(outcome, 0) end
  return outcome, result
end

-- ---- What a program says ----

--- Sends a signal: an `on` of the state that the run is in. May be called from anywhere.
-- @tparam string name
-- @treturn boolean is it heard there?
function Run:signal(name)
  local node = self._graph.by[self.state]
  local edge = not self.ended and edge_of(node, name)
  if not (edge and edge.signal) then return false end
  self._signal = name
  if self._waiting then self._task:cancel() end
  return true
end

--- Answers the question of the state that the run is in.
-- @tparam string name an answer that leads on: "yes", "no", …
-- @param[opt] value is kept under the state's `save`
-- @treturn boolean is it an answer there?
function Run:answer(name, value)
  local node = self._graph.by[self.state]
  local edge = not self.ended and node.verb == "ask" and edge_of(node, name)
  if not edge or edge.signal or name == "timed_out" then return false end
  if node.args.save then self:save(node, node.args.save, value == nil and name or value) end
  self._signal = name
  if self._waiting then self._task:cancel() end
  return true
end

--- Waits until the run has ended. May yield.
-- @tparam[opt] number timeout seconds
-- @treturn string|nil "done" or "failed"; or nil and an error
-- @treturn table what the end gives as its result
function Run:wait(timeout)
  if self.ended then return self.outcome, self.result end
  return self._task:await(timeout)
end

--- Lets the time of the present state be over, for trying a flow out.
function Run:hurry()
  self._hurried = true
  if self._waiting then self._task:cancel() end
end

--- Stops the run where it is and gives its lease back: pix.flow.resume, here or in another worker,
-- goes on with it.
function Run:stop()
  self._stopped = self._stopped or "stopped"
  if self._waiting and self._task then self._task:cancel() end
end

function Run:__tostring()
  return ("pix.flow run %s (%s at %s)"):format(self.id, self._graph.name, self.state)
end

-- ---- Beginning ----

--- A run object of a journal's row.
-- @tparam table flow as load.load gives it
-- @tparam table row id, state, step, fence, data
-- @tparam table options of flow:run, with till and journal opened
function M.of(flow, row, options)
  return setmetatable({
    id = row.id, state = row.state, data = row.data, ended = false, flow = flow.graph.name,
    _graph = flow.graph, _fence = row.fence, _step = row.step, _live = {}, _options = options,
    _till = options.till, _journal = options.journal, _perform = options.perform or {},
  }, Run)
end

--- Starts the run's task.
function M.start(run, resumed)
  run._resumed = resumed or false
  lease.keep(run)
  run._task = tasks.detach(body, run)
  return run
end

--- Begins a new run.
-- @treturn table|nil the run; nil and the journal's error
function M.begin(flow, input, options)
  local first = flow.graph.by[flow.graph.start]
  local run = M.of(flow, { id = options.id or core.random(12), state = first.name, step = 0,
    data = { scopes = { [""] = input }, charges = {}, counts = {}, first = first.name } }, options)
  local ok, raised = pcall(prepare, run, first)
  if not ok then
    if type(raised) ~= "table" then error(raised, 0) end
    return nil, core.error { kind = "invalid", sent = "no", operation = "flow",
      message = raised.defect, hint = "the flow's code cannot do with this input" }
  end
  local row, fresh = run._journal:run_begin { id = run.id, flow = flow.graph.name,
    version = flow.version, state = first.name, data = run.data, now = run:now(),
    lease = options.lease or lease.SECONDS }
  if not row then return nil, fresh end
  if not fresh then
    return nil, core.error { kind = "conflict", code = "exists", sent = "no", operation = "flow",
      message = ("there is a run %s already"):format(run.id),
      hint = "pix.flow.resume goes on with it; a new order has an id of its own" }
  end
  run._fence, run._step = row.fence, row.step
  return M.start(run, false)
end

return M
