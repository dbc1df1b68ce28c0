--- Random flows for the proof of the verifier: half sensible, half not, the same ones for a seed.
local M = {}

-- Park and Miller; its products are exact in a double.
local function random(seed)
  local state = seed % 2147483647
  if state == 0 then state = 1 end
  return function(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
end
M.random = random

local VERBS = { "charge", "charge", "subscribe", "cancel", "refund", "wait", "waitfor", "ask",
  "perform", "perform", "alert", "alert", "set", "ask" }
local PROVIDERS = { false, false, { "ssg" }, { "ssg" }, { "payzu" }, { "ssg", "payzu" } }

local OUTCOMES = {
  charge = { "paid", "expired", "cancelled", "failed", "unknown" },
  made = { "made", "failed", "unknown" },
  subscribe = { "subscribed", "declined", "failed", "unknown" },
  cancel = { "cancelled", "paid", "failed" }, refund = { "refunded", "failed" },
  wait = { "next" }, waitfor = { "paid", "expired", "cancelled", "failed", "timed_out" },
  ask = { "yes", "no", "timed_out" }, perform = { "ok", "failed" }, alert = { "next" },
  set = { "next" }, done = {}, fail = {},
}

-- Where an outcome goes in a flow that makes sense.
local SENSE = {
  paid = "deliver", subscribed = "deliver", made = "waitfor", unknown = "alert",
  expired = "end", cancelled = "end", declined = "end", ok = "end", refunded = "end",
  timed_out = "end", no = "end", failed = "end",
}
local FAILED = { perform = "refund", refund = "alert", cancel = "alert" }

local function kind_of(node)
  if node.verb == "wait" and node.args.of then return "waitfor" end
  if node.verb == "charge" and node.args.wait == false then return "made" end
  return node.verb
end

local function fits(node, wanted)
  if wanted == "end" then return node.verb == "done" or node.verb == "fail" end
  if wanted == "deliver" then return node.verb == "perform" and node.args.delivers end
  return kind_of(node) == wanted
end

local function target(nodes, node, outcome, rnd, sense)
  if rnd(100) <= sense then
    local wanted = outcome == "failed" and FAILED[node.verb] or SENSE[outcome]
    if outcome == "timed_out" and node.args.of then wanted = "cancel" end
    if outcome == "cancelled" and node.verb == "cancel" then wanted = "end" end
    local fitting = {}
    for _, other in ipairs(nodes) do
      if wanted and fits(other, wanted) then fitting[#fitting + 1] = other.name end
    end
    if #fitting > 0 then return fitting[rnd(#fitting)] end
  end
  return nodes[rnd(#nodes)].name
end

local function make_nodes(rnd)
  local nodes, count = {}, 2 + rnd(8)
  for i = 1, count do
    local verb = i <= 1 and "charge" or VERBS[rnd(#VERBS)]
    nodes[i] = { name = "s" .. i, verb = verb, args = {}, line = i, file = "random" }
  end
  nodes[#nodes + 1] = { name = "good", verb = "done", args = {}, line = 98, file = "random" }
  nodes[#nodes + 1] = { name = "bad", verb = "fail", args = {}, line = 99, file = "random" }
  return nodes
end

local NEEDS = { cancel = true, refund = true, waitfor = true }

local function charges_of(nodes)
  local list = {}
  for _, node in ipairs(nodes) do
    if node.verb == "charge" or node.verb == "subscribe" then list[#list + 1] = node.name end
  end
  return list
end

local function give_args(nodes, rnd)
  local charges = charges_of(nodes)
  for _, node in ipairs(nodes) do
    if NEEDS[node.verb] then node.args.of = charges[rnd(#charges)] end
    if node.verb == "waitfor" then node.verb = "wait" end
    if node.verb == "charge" and rnd(4) == 1 then node.args.wait = false end
    if node.verb == "perform" then node.args.delivers = rnd(4) > 1 end
    if node.verb == "alert" and rnd(4) == 1 then node.args.of = { charges[rnd(#charges)] } end
  end
end

local function give_edges(nodes, rnd)
  local sense = 60 + rnd(40)
  for _, node in ipairs(nodes) do
    node.edges = {}
    for _, outcome in ipairs(OUTCOMES[kind_of(node)]) do
      table.insert(node.edges, { outcome = outcome, to = target(nodes, node, outcome, rnd, sense) })
    end
    if (kind_of(node) == "charge" or node.verb == "ask") and rnd(5) == 1 then
      table.insert(node.edges, { outcome = "leave", signal = true, to = nodes[rnd(#nodes)].name })
    end
  end
end

-- Only what a path leads to: the rest would be refused before money is looked at. A charge that is
-- named stays, it is only never made.
local function prune(nodes, by, start)
  local seen, queue = { [start] = true }, { start }
  while #queue > 0 do
    for _, edge in ipairs(by[table.remove(queue)].edges) do
      if not seen[edge.to] then
        seen[edge.to] = true
        queue[#queue + 1] = edge.to
      end
    end
  end
  local kept = {}
  for _, node in ipairs(nodes) do
    if seen[node.name] then kept[#kept + 1] = node end
  end
  return kept, seen
end

-- Charges that are named and not there any more.
local function rename(nodes, seen, rnd)
  local charges = charges_of(nodes)
  for _, node in ipairs(nodes) do
    local of = node.args.of
    if of and #charges == 0 then return false end
    if type(of) == "string" and not seen[of] then node.args.of = charges[rnd(#charges)] end
    if type(of) == "table" and not seen[of[1]] then node.args.of = { charges[rnd(#charges)] } end
  end
  return true
end

--- A random flow's graph.
-- @tparam number seed
function M.graph(seed)
  local rnd = random(seed * 7919 + 17)
  for _ = 1, 10 do rnd(2) end
  local nodes, by = make_nodes(rnd), {}
  for _, node in ipairs(nodes) do by[node.name] = node end
  give_args(nodes, rnd)
  give_edges(nodes, rnd)
  local start = rnd(3) == 1 and nodes[rnd(#nodes - 2)].name or nodes[1].name
  local kept, seen = prune(nodes, by, start)
  if not rename(kept, seen, rnd) then return M.graph(seed + 1000003) end
  by = {}
  for i, node in ipairs(kept) do
    node.index, by[node.name] = i, node
  end
  return { name = "random " .. seed, file = "random", start = start, nodes = kept, by = by,
    providers = PROVIDERS[rnd(#PROVIDERS)] or nil }
end

return M
