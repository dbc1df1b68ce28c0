--- Walks a flow's paths in the runner itself, with scripted outcomes, and says what was covered:
-- what `pix flow test` does. The verifier has proved the paths; this shows that the flow's own code
-- and the host's outcomes go along them, and looks into the ledger at the end of each.
local testing = require "pix.flow.testing"
local words = require "pix.flow.words"

local M = {}

local BOUND = 2 -- times that a path may come to one state
local MOST = 400 -- paths; the shortest are walked first

local SAMPLES = { money = 1000, text = "x", number = 1, boolean = true }

-- ---- Paths ----

local function visits(path, name)
  local count = 0
  for _, step in ipairs(path) do
    if step.state == name then count = count + 1 end
  end
  return count
end

local function longer(path, node, edge)
  local copy = {}
  for i, step in ipairs(path) do copy[i] = step end
  copy[#copy + 1] = { state = node.name, outcome = edge.outcome, signal = edge.signal }
  return copy
end

--- The paths of a graph from its start to its ends, the shortest first. Pure.
-- @tparam table graph
-- @tparam[opt=2] number bound times that a path may come to one state
-- @tparam[opt=400] number most paths
-- @treturn table paths, each { { state, outcome, signal }, … }
-- @treturn boolean are these all?
function M.paths(graph, bound, most)
  bound, most = bound or BOUND, most or MOST
  local queue, at, found = { { node = graph.by[graph.start], path = {} } }, 1, {}
  while queue[at] do
    if #found >= most then return found, false end
    local node, path = queue[at].node, queue[at].path
    queue[at] = false
    at = at + 1
    if #node.edges == 0 then found[#found + 1] = path end
    for _, edge in ipairs(node.edges) do
      local after = longer(path, node, edge)
      if visits(after, node.name) <= bound and at + most * 20 > #queue then
        queue[#queue + 1] = { node = graph.by[edge.to], path = after }
      end
    end
  end
  return found, true
end

-- ---- Walking one ----

--- What each state's outcomes are on a path, one after another: { state = { outcome, … } }. Pure.
function M.script(path)
  local script = {}
  for _, step in ipairs(path) do
    script[step.state] = script[step.state] or {}
    table.insert(script[step.state], step.outcome)
  end
  return script
end

local function sample(graph, given)
  local input = {}
  for name, row in pairs(graph.input) do
    input[name] = given and given[name] or SAMPLES[row.type]
  end
  return input
end

-- What the ledger of the scripted shop says against a run that has ended.
local function harm_of(t, delivered)
  for _, charge in ipairs(t.charges) do
    if charge.status == "pending" and #t.alerts == 0 then return "a charge is still payable" end
    if charge.status == "paid" and not delivered and #t.alerts == 0 then
      return "money was taken and nothing given"
    end
  end
end

local function cover(report, t)
  local delivered = false
  for _, step in ipairs(t.path) do
    local node = t._graph.by[step.from]
    report.states[step.from], report.states[step.to] = true, true
    report.outcomes[step.from .. "\0" .. step.outcome] = true
    delivered = delivered or node.args.delivers and step.outcome == "ok"
  end
  report.states[t._run.state] = true
  return delivered
end

local function walk(report, where, path, options, returns)
  local t = testing.flow(where)
  local ok, err = pcall(function()
    t:script(M.script(path))
    t._limit = #path + 1 -- where data leads elsewhere it may go round for ever
    for title, value in pairs(returns) do t:returns(title, value) end
    t:run(sample(t._graph, options.input))
    local delivered = cover(report, t)
    local harm = t._run.ended and harm_of(t, delivered) or t.errors[1]
    if harm then table.insert(report.harms, { way = t:way(), what = tostring(harm) }) end
  end)
  t:stop()
  if not ok then table.insert(report.harms, { way = "", what = tostring(err) }) end
  report.walked = report.walked + 1
end

local function missing_of(graph, report)
  local missing = {}
  for _, node in ipairs(graph.nodes) do
    if not report.states[node.name] then
      missing[#missing + 1] = node.name
    else
      for _, edge in ipairs(node.edges) do
        if not report.outcomes[node.name .. "\0" .. edge.outcome] then
          missing[#missing + 1] = ("%s —%s→ %s"):format(node.name, edge.outcome, edge.to)
        end
      end
    end
  end
  return missing
end

local function totals(graph)
  local edges = 0
  for _, node in ipairs(graph.nodes) do edges = edges + #node.edges end
  return #graph.nodes, edges
end

--- Walks every path up to a bound.
-- @tparam table flow as pix.flow.load gives it
-- @tparam string where its path or text
-- @tparam[opt] table options bound, most, input, returns = { { name = value }, … }: what the host's
--   functions return; each path is walked with each of them
-- @treturn table { walked, all, states, outcomes, of_states, of_outcomes, missing, harms }
function M.all(flow, where, options)
  options = options or {}
  local paths, all = M.paths(flow.graph, options.bound, options.most)
  local report = { walked = 0, all = all, states = {}, outcomes = {}, harms = {} }
  for _, path in ipairs(paths) do
    for _, returns in ipairs(options.returns or { {} }) do
      walk(report, where, path, options, returns)
    end
  end
  report.missing = missing_of(flow.graph, report)
  report.of_states, report.of_outcomes = totals(flow.graph)
  report.states, report.outcomes = #words.keys(report.states), #words.keys(report.outcomes)
  return report
end

return M
