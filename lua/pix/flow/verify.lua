--- What is proved of a flow over every path, before it may touch money. Pure: a graph in, findings
-- out.
--
-- DESIGN: every check is a search through the graph, breadth first, so that the path a finding
-- shows is a shortest one. Money is followed charge by charge (money.lua says why that is enough).
local ability = require "pix.flow.ability"
local money = require "pix.flow.money"
local rules = require "pix.flow.rules"
local verbs = require "pix.flow.verbs"

local M = {}

-- ---- Graph ----

-- Edges as numbers: successors[i] = { { edge, j }, … }.
local function successors_of(graph)
  local successors = {}
  for i, node in ipairs(graph.nodes) do
    local list = {}
    for k, edge in ipairs(node.edges) do
      local to = graph.by[edge.to]
      if to then list[#list + 1] = { edge = edge, to = to.index, k = k } end
    end
    successors[i] = list
  end
  return successors
end

-- The way back from a found place: steps { state, outcome }, the last without an outcome.
local function path_to(graph, from, key, index_of)
  local path, outcome = {}, nil
  while key do
    table.insert(path, 1, { state = graph.nodes[index_of(key)].name, outcome = outcome })
    local back = from[key]
    if not back then break end
    key, outcome = back.key, back.edge.outcome
  end
  return path
end

local function itself(key) return key end

-- From one node on, along edges that `follow` takes: what was reached, and from where.
local function search(successors, start, follow)
  local seen, from, queue, at = { [start] = true }, {}, { start }, 1
  while queue[at] do
    local i = queue[at]
    at = at + 1
    for _, step in ipairs(successors[i]) do
      if not seen[step.to] and (not follow or follow(i, step)) then
        seen[step.to] = true
        from[step.to] = { key = i, edge = step.edge }
        queue[#queue + 1] = step.to
      end
    end
  end
  return seen, from
end

local function add(ctx, rule, node, path, facts)
  local text, fix = rules.words(rule, node, facts or {})
  ctx.findings[#ctx.findings + 1] = { rule = rule, money = rules.is_money(rule), file = node.file,
    line = node.line, state = node.name, message = text, fix = fix, path = path }
end

local function check_reachable(ctx)
  local graph = ctx.graph
  local start = graph.by[graph.start].index
  ctx.seen, ctx.from = search(ctx.successors, start)
  for i, node in ipairs(graph.nodes) do
    if not ctx.seen[i] then add(ctx, "unreachable", node, nil) end
  end
end

local function predecessors_of(successors)
  local predecessors = {}
  for i = 1, #successors do predecessors[i] = {} end
  for i, list in ipairs(successors) do
    for _, step in ipairs(list) do
      table.insert(predecessors[step.to], { edge = step.edge, to = i })
    end
  end
  return predecessors
end

local function check_ends(ctx)
  local predecessors = predecessors_of(ctx.successors)
  local ending = {}
  for i, node in ipairs(ctx.graph.nodes) do
    if verbs.ending[node.verb] and not ending[i] then
      for j in pairs((search(predecessors, i))) do ending[j] = true end
    end
  end
  for i, node in ipairs(ctx.graph.nodes) do
    if ctx.seen[i] and not ending[i] then
      add(ctx, "no_end", node, path_to(ctx.graph, ctx.from, i, itself))
      return
    end
  end
end

-- ---- Loops ----

-- A way from a node back to itself along edges that `follow` takes.
local function cycle(ctx, start, follow)
  local seen, from = search(ctx.successors, start, follow)
  for i in pairs(seen) do
    for _, step in ipairs(ctx.successors[i]) do
      if step.to == start and follow(i, step) then
        local path = path_to(ctx.graph, from, i, itself)
        path[#path].outcome = step.edge.outcome
        path[#path + 1] = { state = ctx.graph.nodes[start].name }
        return path
      end
    end
  end
end

local function way_into(ctx, index, loop)
  local path = path_to(ctx.graph, ctx.from, index, itself)
  path[#path] = nil
  for _, step in ipairs(loop) do path[#path + 1] = step end
  return path
end

local function check_subscriptions(ctx)
  local nodes = ctx.graph.nodes
  for i, node in ipairs(nodes) do
    if node.verb == "subscribe" and ctx.seen[i] then
      local loop = cycle(ctx, i, function(_, step) return nodes[step.to].verb ~= "ask" end)
      if loop then add(ctx, "subscription_loop", node, way_into(ctx, i, loop)) end
    end
  end
end

-- Outcomes that come at once: a loop of nothing but these would never rest.
local INSTANT = { choose = true, set = true, enter = true, leave = true, alert = true,
  cancel = true }

local function is_instant(node, edge)
  if edge.signal then return false end
  if INSTANT[node.verb] then return true end
  return edge.outcome == "failed" and (verbs.charging[node.verb] or node.verb == "refund")
end

local function check_spinning(ctx)
  local nodes, done = ctx.graph.nodes, {}
  local function follow(i, step) return is_instant(nodes[i], step.edge) end
  for i, node in ipairs(nodes) do
    if ctx.seen[i] and not done[i] then
      local loop = cycle(ctx, i, follow)
      if loop then
        for _, step in ipairs(loop) do done[ctx.graph.by[step.state].index] = true end
        add(ctx, "spinning", node, way_into(ctx, i, loop))
      end
    end
  end
end

-- ---- Money ----

-- Follows one automaton from the start: `enter(node, value)` → rule, `leave(node, edge, value)` →
-- value. Calls `found(rule, node, path, value)` once per rule and node; does not go on from there.
local function follow_all(ctx, first, size, enter, leave, found)
  local graph, successors = ctx.graph, ctx.successors
  local nodes, told = graph.nodes, {}
  local start = (graph.by[graph.start].index - 1) * size + first
  local seen, from, queue, at = { [start] = true }, {}, { start }, 1
  local function index_of(key) return math.floor((key - 1) / size) + 1 end
  while queue[at] do
    local key = queue[at]
    at = at + 1
    local i = index_of(key)
    local node, value = nodes[i], key - (i - 1) * size
    local rule = enter(node, value)
    if rule then
      local name = rule .. i
      if not told[name] then
        told[name] = true
        found(rule, node, path_to(graph, from, key, index_of), value)
      end
    else
      for _, step in ipairs(successors[i]) do
        local after = (step.to - 1) * size + leave(node, step.edge, value)
        if not seen[after] then
          seen[after] = true
          from[after] = { key = key, edge = step.edge }
          queue[#queue + 1] = after
        end
      end
    end
  end
  return seen
end

local function refundable(graph, node)
  if node.verb == "subscribe" then return "none" end
  return ability.among(graph.providers, "refund")
end

local function mark(ctx, seen)
  for key in pairs(seen) do
    local i = math.floor((key - 1) / 8) + 1
    local node, value = ctx.graph.nodes[i], key - (i - 1) * 8
    ctx.money[node.name] = ctx.money[node.name] or {}
    ctx.money[node.name][money.words[value]] = true
  end
end

local function check_charge(ctx, charge, first)
  local who = refundable(ctx.graph, charge)
  local function enter(node, value) return money.enter(node, charge.name, value, who) end
  local function leave(node, edge, value) return money.leave(node, edge, charge.name, value) end
  local function found(rule, node, path)
    add(ctx, rule, node, path, { charge = charge.name, providers = ctx.graph.providers,
      subscription = charge.verb == "subscribe" })
  end
  mark(ctx, follow_all(ctx, first, 8, enter, leave, found))
end

local function group_of(ctx, node)
  local charges = node.args.of
  if not charges then
    charges = {}
    for _, other in ipairs(ctx.graph.nodes) do
      if verbs.charging[other.verb] then charges[#charges + 1] = other.name end
    end
  end
  local group = { charges = charges, key = table.concat(charges, "\0"), has = {} }
  for _, name in ipairs(charges) do group.has[name] = true end
  return group
end

local function delivery_groups(ctx)
  local list, known = {}, {}
  for _, node in ipairs(ctx.graph.nodes) do
    if node.verb == "perform" and node.args.delivers then
      local group = group_of(ctx, node)
      node.group = group.key
      if not known[group.key] then
        known[group.key] = true
        list[#list + 1] = group
      end
    end
  end
  return list
end

-- Credit is 1 (none) or 2.
local function check_credit(ctx, group, first)
  local function enter(node, value) return money.enter_credit(node, group, value == 2) end
  local function leave(node, edge, value)
    return money.leave_credit(node, edge, group, value == 2) and 2 or 1
  end
  local function found(rule, node, path)
    add(ctx, rule, node, path, { charges = group.charges })
  end
  follow_all(ctx, first, 2, enter, leave, found)
end

local HOLDS = { [money.PAID] = true, [money.TOLD] = true }

local function check_money(ctx, given)
  for _, node in ipairs(ctx.graph.nodes) do
    if verbs.charging[node.verb] then
      check_charge(ctx, node, given and given[node.name] or money.NONE)
    end
  end
  for _, group in ipairs(delivery_groups(ctx)) do
    local credit = 1
    for _, name in ipairs(group.charges) do
      if given and HOLDS[given[name]] then credit = 2 end
    end
    check_credit(ctx, group, credit)
  end
end

-- Money first, then by line.
local function in_order(findings)
  table.sort(findings, function(a, b)
    if a.money ~= b.money then return a.money end
    if a.line ~= b.line then return a.line < b.line end
    if a.state ~= b.state then return a.state < b.state end
    return a.rule < b.rule
  end)
  return findings
end

--- Proves a graph, or says on which path it breaks which rule.
-- @tparam table graph of expand.graph, well formed
-- @treturn table findings { rule, money, file, line, state, message, path = { { state, outcome } },
--   fix }; empty when all is proved
-- @treturn table which states money may be in at each node: name → { paid = true, … }
function M.graph(graph)
  local ctx = { graph = graph, successors = successors_of(graph), findings = {}, money = {} }
  check_reachable(ctx)
  check_ends(ctx)
  check_subscriptions(ctx)
  check_spinning(ctx)
  check_money(ctx)
  return in_order(ctx.findings), ctx.money
end

--- May a run that stands at this node, with its charges' money in these states, go on here? For
-- runs that were begun with another version of the flow.
-- @tparam table graph
-- @tparam string name of the node
-- @tparam table given name of a charge → its money's state, a number of money.lua
-- @treturn boolean
function M.from(graph, name, given)
  local shifted = setmetatable({ start = name }, { __index = graph })
  local ctx = { graph = shifted, successors = successors_of(graph), findings = {}, money = {} }
  check_money(ctx, given)
  return #ctx.findings == 0
end

return M
