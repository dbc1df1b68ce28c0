--- What really happens to money in a flow: every way a flow can go, with a ledger that knows the
-- truth which the flow does not. Written apart from lua/pix/flow/money.lua, to hold it to account.
--
-- A charge in the ledger: truth (none, open, paid, back), sure (does the flow know?), given, told,
-- doubt (a refund was begun and may not have worked). What is not known branches into all that may
-- be true.
local ability = require "pix.flow.ability"

local M = {}

local CHARGES = { charge = true, subscribe = true }

-- ---- The ledger ----

local function empty(graph)
  local ledger = { charges = {}, last = {}, tried = {} }
  for _, node in ipairs(graph.nodes) do
    if CHARGES[node.verb] then
      ledger.charges[node.name] = { truth = "none", sure = true }
    end
  end
  return ledger
end

local function clone(ledger)
  local copy = { charges = {}, last = {}, tried = {} }
  for name, charge in pairs(ledger.charges) do
    local twin = {}
    for key, value in pairs(charge) do twin[key] = value end
    copy.charges[name] = twin
  end
  for key, value in pairs(ledger.last) do copy.last[key] = value end
  for key, value in pairs(ledger.tried) do copy.tried[key] = value end
  return copy
end

local function key_of(node, ledger)
  local parts = {}
  for name, c in pairs(ledger.charges) do
    parts[#parts + 1] = name .. c.truth .. (c.sure and "s" or "-") .. (c.given and "g" or "-")
      .. (c.told and "t" or "-") .. (c.doubt and "d" or "-") .. (ledger.last[name] or "")
  end
  for name in pairs(ledger.tried) do parts[#parts + 1] = "+" .. name end
  table.sort(parts)
  return node.name .. ":" .. table.concat(parts, ",")
end

local function concerned(graph, node)
  local of, list = node.args.of, {}
  for _, name in ipairs(type(of) == "table" and of or { of }) do list[#list + 1] = name end
  if of == nil then
    for _, other in ipairs(graph.nodes) do
      if CHARGES[other.verb] then list[#list + 1] = other.name end
    end
  end
  return list
end

-- ---- Rules ----

local function may_be_paid(charge)
  return charge.truth == "open" or not charge.sure and charge.truth == "paid"
end

local function is_owing(charge)
  if charge.told then return false end
  return charge.doubt or charge.truth == "paid" and charge.sure and not charge.given
end

local rules = {}

function rules.charge(graph, node, ledger)
  for _, charge in pairs(ledger.charges) do
    if may_be_paid(charge) then return "two payments for one order" end
  end
  if is_owing(ledger.charges[node.name]) then return "money forgotten" end
  if ledger.tried[node.name] then return "subscribed again without being asked" end
  return nil, graph
end
rules.subscribe = rules.charge

function rules.done(_, _, ledger)
  for _, charge in pairs(ledger.charges) do
    if charge.truth == "open" and charge.sure then return "still payable at the end" end
    if not charge.sure and charge.truth ~= "none" and not charge.told then
      return "perhaps paid, and nobody told"
    end
    if is_owing(charge) then return "money kept" end
  end
end
rules.fail = rules.done

function rules.perform(graph, node, ledger)
  if not node.args.delivers then return nil end
  local fresh = false
  for _, name in ipairs(concerned(graph, node)) do
    if ledger.last[name] == "pay" then fresh = true end
    if ledger.last[name] == "use" then return "delivered without a new payment" end
  end
  return not fresh and "delivered before it is paid" or nil
end

function rules.refund(graph, node, ledger)
  local charge = ledger.charges[node.args.of]
  local can = graph.by[node.args.of].verb == "subscribe" and "none"
    or ability.among(graph.providers, "refund")
  if can == "none" then return "a refund that nobody can do" end
  if charge.doubt then -- one that a person knows of may be tried: somebody sees what comes of it
    return can ~= "all" and not charge.told and "a refund that fails for ever" or nil
  end
  if charge.truth ~= "paid" or not charge.sure then return "a refund of what is not paid" end
end

function rules.wait(_, node, ledger)
  local charge = node.args.of and ledger.charges[node.args.of]
  if charge and charge.sure and charge.truth ~= "open" then return "nothing to act on" end
end
rules.cancel = rules.wait

-- ---- Outcomes ----

local function set(charge, truth, sure)
  charge.truth, charge.sure, charge.given, charge.told, charge.doubt = truth, sure, nil, nil, nil
end

-- What is heard last of money of a group: a payment, or its use. Groups may overlap: all the same
-- charges share the word.
local function remember(graph, ledger, name, word)
  for _, group in ipairs(graph.groups) do
    if group[name] then
      for other in pairs(group) do
        if word == "use" or other == name or ledger.last[other] == "use" then
          ledger.last[other] = word
        end
      end
    end
  end
end

-- Each effect returns ledgers: one for each truth that fits the outcome; none: it cannot happen.
local effects = {}

local function paid(graph, ledger, name)
  local after = clone(ledger)
  set(after.charges[name], "paid", true)
  remember(graph, after, name, "pay")
  return after
end

local function closed(ledger, name)
  local after = clone(ledger)
  set(after.charges[name], "none", true)
  return after
end

local function doubtful(ledger, name, truth, keep_told)
  local after = clone(ledger)
  local told = keep_told and after.charges[name].told or nil
  set(after.charges[name], truth, false)
  after.charges[name].told = told
  return after
end

function effects.charge(graph, node, edge, ledger)
  local name = node.name
  ledger = clone(ledger)
  if node.verb == "subscribe" then ledger.tried[name] = true end
  if edge.signal then return { closed(ledger, name) } end
  if edge.outcome == "paid" or edge.outcome == "subscribed" then
    return { paid(graph, ledger, name) }
  elseif edge.outcome == "made" then
    local after = clone(ledger)
    set(after.charges[name], "open", true)
    return { after }
  elseif edge.outcome == "unknown" then
    return { doubtful(ledger, name, "open"), doubtful(ledger, name, "paid"),
      doubtful(ledger, name, "none") }
  end
  return { closed(ledger, name) }
end
effects.subscribe = effects.charge

function effects.wait(graph, node, edge, ledger)
  local name = node.args.of
  if not name or edge.signal or edge.outcome == "timed_out" then return { clone(ledger) } end
  local truth = ledger.charges[name].truth
  if edge.outcome == "paid" then
    return truth ~= "none" and { paid(graph, ledger, name) } or {}
  end
  return truth ~= "paid" and { closed(ledger, name) } or {}
end

function effects.cancel(graph, node, edge, ledger)
  local name = node.args.of
  local truth = ledger.charges[name].truth
  if edge.outcome == "paid" then
    return truth ~= "none" and { paid(graph, ledger, name) } or {}
  elseif edge.outcome == "cancelled" then
    return truth ~= "paid" and { closed(ledger, name) } or {}
  elseif truth == "open" then
    return { doubtful(ledger, name, "open", true), doubtful(ledger, name, "paid", true) }
  end
  return { doubtful(ledger, name, truth, true) }
end

function effects.refund(graph, node, edge, ledger)
  local after = clone(ledger)
  local charge = after.charges[node.args.of]
  remember(graph, after, node.args.of, "use")
  if edge.outcome == "refunded" then
    set(charge, "none", true)
  else
    charge.doubt, charge.told = true, nil
  end
  return { after }
end

function effects.perform(graph, node, edge, ledger)
  local after = clone(ledger)
  if not node.args.delivers or edge.outcome ~= "ok" then return { after } end
  for _, name in ipairs(concerned(graph, node)) do
    local charge = after.charges[name]
    if charge.truth == "paid" and charge.sure and not charge.doubt and not charge.told then
      charge.given = true
    end
    remember(graph, after, name, "use")
  end
  return { after }
end

function effects.alert(graph, node, _, ledger)
  local after = clone(ledger)
  for _, name in ipairs(concerned(graph, node)) do
    local charge = after.charges[name]
    if is_owing(charge) or not charge.sure then charge.told = true end
  end
  return { after }
end

function effects.ask(_, _, _, ledger)
  local after = clone(ledger)
  after.tried = {}
  return { after }
end

-- ---- Walking ----

local function broken(graph, node, ledger)
  local rule = rules[node.verb]
  return rule and rule(graph, node, ledger) or nil
end

local function step(graph, node, edge, ledger)
  local effect = effects[node.verb]
  if not effect then return { clone(ledger) } end
  return effect(graph, node, edge, ledger)
end

-- The deliveries' groups of charges: there is one at most in a simulated flow.
local function prepare(graph)
  graph.groups = {}
  for _, node in ipairs(graph.nodes) do
    if node.verb == "perform" and node.args.delivers and #graph.groups == 0 then
      local group = {}
      for _, name in ipairs(concerned(graph, node)) do group[name] = true end
      graph.groups[1] = group
    end
  end
  return graph.by[graph.start], empty(graph)
end

--- Walks every way that a flow can go.
-- @treturn string|nil the first rule that is broken in truth
-- @treturn number how many places were looked at
function M.explore(graph)
  local node, ledger = prepare(graph)
  local queue, seen, at = { { node, ledger } }, { [key_of(node, ledger)] = true }, 1
  while queue[at] do
    node, ledger = queue[at][1], queue[at][2]
    at = at + 1
    local harm = broken(graph, node, ledger)
    if harm then return harm, at end
    for _, edge in ipairs(node.edges) do
      local to = graph.by[edge.to]
      for _, after in ipairs(step(graph, node, edge, ledger)) do
        local key = key_of(to, after)
        if not seen[key] then
          seen[key] = true
          queue[#queue + 1] = { to, after }
        end
      end
    end
  end
  return nil, at
end

local function edge_of(node, wanted)
  for _, edge in ipairs(node.edges) do
    if edge.outcome == wanted then return edge end
  end
end

--- Walks one path, with everything that may be true on it.
-- @tparam table graph
-- @tparam table path { { state, outcome }, … }
-- @treturn string|nil the rule that is broken on it in truth; nil if there is none
function M.replay(graph, path)
  local node, ledger = prepare(graph)
  local ledgers = { ledger }
  for i, place in ipairs(path) do
    if node.name ~= place.state then return nil end
    for _, one in ipairs(ledgers) do
      local harm = broken(graph, node, one)
      if harm then return harm, i end
    end
    local edge = place.outcome and edge_of(node, place.outcome)
    if not edge then return nil end
    local after = {}
    for _, one in ipairs(ledgers) do
      for _, result in ipairs(step(graph, node, edge, one)) do after[#after + 1] = result end
    end
    node, ledgers = graph.by[edge.to], after
  end
end

return M
