--- Going on with runs that a former process left behind, each in the state where it was.
--
-- A run belongs to a version of its flow. If that version is not among the flows that are given,
-- the run may go on in the present one only if the same state is there, the way to it is still
-- there, and the verifier proves that from this state on, with the money as it stands, no rule can
-- be broken.
-- Else it is left alone and a person is told.
local core = require "pix.core"
local money = require "pix.flow.money"
local options = require "pix.flow.options"
local runner = require "pix.flow.runner"
local verbs = require "pix.flow.verbs"
local verify = require "pix.flow.verify"

local M = {}

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

-- The states of the charges' money, by the steps that the run took; nil when they do not fit.
local function money_of(graph, steps, start)
  local state, known = start, {}
  for _, step in ipairs(steps) do
    local node = graph.by[state]
    if not node then return nil end
    if step.state ~= state or step.cause and step.cause ~= "made" and step.cause ~= "again" then
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
    return false, "from here on its money would not be safe"
  end
  return true
end

-- ---- Going on ----

local function left_alone(row, why, prepared, result)
  table.insert(result.changed, { id = row.id, flow = row.flow, state = row.state,
    version = row.version, why = why })
  local words = ("run %s of %s stands at %s and cannot go on: %s"):format(row.id, row.flow,
    row.state, why)
  local ok, err = pcall(prepared.alert, words, { run = row.id, flow = row.flow, state = row.state,
    charges = row.data.charges })
  if not ok and prepared.on_error then prepared.on_error(err) end
end

local function whole_row(journal, row)
  local whole = journal:run_get(row.id)
  return whole and whole.steps or {}
end

local function go_on(journal, row, given, result, flows)
  local flow, same = find(flows, row)
  local prepared, err = options.prepare(flow and flow.graph, given, "pix.flow.resume")
  if not prepared then return nil, err end
  prepared.journal = journal
  local why = not flow and "no flow of this name is given" or nil
  if flow and not same then
    local may
    may, why = M.may_change(flow, row, whole_row(journal, row), flow.graph.start)
    if may then why = nil end
  end
  if why then
    left_alone(row, why, prepared, result)
    return true
  end
  table.insert(result.runs, runner.start(runner.of(flow, row, prepared), true))
  return true
end

--- Takes the runs that are due and starts each where it was. May yield.
function M.all(journal, given)
  if type(given) ~= "table" or type(given.flows) ~= "table" then
    error("pix.flow.resume: flows = { flow, … } is needed", 3)
  end
  local rest = {}
  for key, value in pairs(given) do
    if key ~= "flows" then rest[key] = value end
  end
  rest.journal = journal
  local rows, err = journal:run_claim { now = core.reactor():wall(), sole = given.sole,
    lease = given.lease or runner.LEASE, n = 10000 }
  if not rows then return nil, err end
  local result = { runs = {}, changed = {} }
  for _, row in ipairs(rows) do
    local ok
    ok, err = go_on(journal, row, rest, result, given.flows)
    if not ok then return nil, err end
  end
  return result
end

return M
