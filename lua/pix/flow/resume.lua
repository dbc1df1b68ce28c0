--- Going on with runs that a former process left behind, each in the state where it was.
--
-- A run belongs to a version of its flow. If that version is not among the flows that are given,
-- the run may go on in the present one only if the same state is there, the way to it is still
-- there, and the verifier proves that from this state on, with the money as it stands, no rule can
-- be broken.
-- Else it is left alone and a person is told.
local core = require "pix.core"
local lease = require "pix.flow.lease"
local money = require "pix.flow.money"
local options = require "pix.flow.options"
local runner = require "pix.flow.runner"
local verbs = require "pix.flow.verbs"
local verify = require "pix.flow.verify"

local M = {}

local MOST = 10000 -- runs that are taken at once

-- ---- Versions ----

local function find(flows, row)
  local present
  for _, flow in ipairs(flows) do
    if flow.graph.name == row.flow then
      if flow.version == row.version then return flow, true end
      present = flow
    end
  end
  return present, false
end

-- What is noted within a state: no edge of the flow.
local WITHIN = { made = true, again = true, left = true }

-- The states of the charges' money, by the steps that the run took; nil when they do not fit.
local function money_of(graph, steps, start)
  local state, known = start, {}
  for _, step in ipairs(steps) do
    local node = graph.by[state]
    if not node then return nil end
    if step.state ~= state or step.cause and not WITHIN[step.cause] then
      local taken
      for _, edge in ipairs(node.edges) do
        if edge.outcome == step.cause and edge.to == step.state then taken = edge end
      end
      if not taken then return nil end
      for _, charge in ipairs(graph.nodes) do
        if verbs.charging[charge.verb] then
          known[charge.name] = money.leave(node, taken, charge.name,
            known[charge.name] or money.NONE)
        end
      end
    end
    state = step.state
  end
  return known
end

local function same_verb(flow, row)
  local node = flow.graph.by[row.state]
  return node and node.verb
end

--- May a run of another version go on in this one? The steps are read in the present flow.
-- @treturn boolean
-- @treturn string why not
function M.may_change(flow, row, steps, start)
  if not same_verb(flow, row) then return false, "the state " .. row.state .. " is gone" end
  for name in pairs(row.data.charges) do
    local node = flow.graph.by[name]
    if not (node and verbs.charging[node.verb]) then
      return false, "the charge " .. name .. " is gone"
    end
  end
  local known = money_of(flow.graph, steps, start)
  if not known then return false, "it came on a way that is not there any more" end
  if not verify.from(flow.graph, row.state, known) then
    -- uncovered: a way that leads from the start was proved; the last word is the proof's
    return false, "from here on its money would not be safe"
  end
  return true
end

-- ---- Going on ----

local LEFT = "left" -- the cause in the log of a run that a person was told of
local LEFT_PAUSE = 60 -- seconds until a worker that may know its flow looks at it again

local function steps_of(journal, row)
  local whole = journal:run_get(row.id)
  return whole and whole.steps or {}
end

local function tell(prepared, row, why)
  local words = ("run %s of %s stands at %s and cannot go on: %s"):format(row.id, row.flow,
    row.state, why)
  local ok, result, err = pcall(prepared.alert, words, { run = row.id, flow = row.flow,
    state = row.state, charges = row.data.charges })
  if ok and not (result == false or result == nil and err ~= nil) then return true end
  if prepared.on_error then prepared.on_error(ok and err or result) end
  return false
end

-- A person is told once, whoever comes across the run; it waits for a worker that knows its flow.
local function left_alone(journal, row, steps, why, prepared, result)
  table.insert(result.changed, { id = row.id, flow = row.flow, state = row.state,
    version = row.version, why = why })
  local now, last = core.reactor():wall(), steps[#steps]
  if not (last and last.cause == LEFT) and tell(prepared, row, why) then
    journal:run_step(row.id, { fence = row.fence, step = row.step, state = row.state, now = now,
      cause = LEFT, step_data = { note = why } })
  end
  journal:run_later(row.id, { fence = row.fence, due = now + LEFT_PAUSE })
end

local function go_on(journal, row, given, result, flows)
  local flow, same = find(flows, row)
  local prepared, err = options.prepare(flow and flow.graph, given, "pix.flow.resume")
  if not prepared then return nil, err end
  prepared.journal = journal
  local may, why, steps = flow ~= nil, "no flow of this name is given", nil
  if not same then steps = steps_of(journal, row) end
  if flow and not same then may, why = M.may_change(flow, row, steps, flow.graph.start) end
  if not may then
    left_alone(journal, row, steps, why, prepared, result)
    return true
  end
  table.insert(result.runs, runner.start(runner.of(flow, row, prepared), true))
  return true
end

local OURS = { flows = true, own = true, most = true }

local function check_flows(given, name)
  if type(given) ~= "table" or type(given.flows) ~= "table" then
    error(name .. ": flows = { flow, … } is needed", 4)
  end
end

--- Takes the runs that are due and starts each where it was. May yield.
-- @tparam journal journal
-- @tparam table given as for flow:run, and flows; sole = true: no other process uses the journal;
--   own = true: former lives of this worker's name are over; most = number of runs
function M.all(journal, given)
  check_flows(given, "pix.flow.resume")
  local rest = {}
  for key, value in pairs(given) do
    if not OURS[key] then rest[key] = value end
  end
  rest.journal = journal
  local rows, err = journal:run_claim { now = core.reactor():wall(), sole = given.sole,
    own = given.own, lease = given.lease or lease.SECONDS, n = given.most or MOST }
  if not rows then return nil, err end
  local result = { runs = {}, changed = {} }
  for _, row in ipairs(rows) do
    local ok
    ok, err = go_on(journal, row, rest, result, given.flows)
    if not ok then return nil, err end
  end
  return result
end

M.check_flows = check_flows

return M
