--- Is a flow well formed? Keys, types, outcomes, names. Turns what the loader read into states with
-- compiled values and edges, and collects every problem with its line.
local core = require "pix.core"
local loader = require "pix.flow.loader"
local values = require "pix.flow.values"
local verbs = require "pix.flow.verbs"
local words = require "pix.flow.words"

local M = {}

local NAME = "^[%a_][%w_]*$"

-- ---- Problems ----

-- Where a problem lies: at a key of a state, or at the state.
local function say(at, key, message, ...)
  local line = at.line
  if key and at.lines then line = loader.line_of(at.lines, at.line, at.last, key) end
  at.problems[#at.problems + 1] = {
    rule = "shape", file = at.file, line = line, state = at.name,
    message = select("#", ...) > 0 and message:format(...) or message,
  }
end

-- ---- Types of keys ----

local types = {}

function types.value(at, key, given)
  local value, why = values.compile(given)
  if not value then return say(at, key, "%s %s", key, why) end
  at.uses[#at.uses + 1] = { value = value, key = key, at = at }
  return value
end

function types.money(at, key, given)
  local value = types.value(at, key, given)
  if value and value.const ~= nil then
    local centavos, err = core.money(value.const)
    if not centavos then
      return say(at, key, "%s: %s", key, err and err.message or "is no amount of money")
    end
    value.const = centavos
  end
  return value
end

function types.duration(at, key, given)
  if type(given) == "function" then return types.value(at, key, given) end
  local seconds, why = words.duration(given)
  if not seconds then return say(at, key, "%s: %s", key, why) end
  return { const = seconds }
end

function types.boolean(at, key, given)
  if type(given) ~= "boolean" then
    return say(at, key, "%s is true or false, not %s", key, tostring(given))
  end
  return given
end

function types.count(at, key, given)
  if type(given) ~= "number" or given % 1 ~= 0 or given < 1 or given > 10 then
    return say(at, key, "%s is a whole number from 1 to 10", key)
  end
  return given
end

function types.name(at, key, given)
  if type(given) ~= "string" or not given:find(NAME) then
    return say(at, key, "%s is a name: letters, digits and _", key)
  end
  at.saved[given] = true
  return given
end

function types.values(at, key, given)
  if type(given) ~= "table" then
    return say(at, key, "%s is a table { name = value, … }, not a %s", key, type(given))
  end
  local list = {}
  for _, name in ipairs(words.keys(given)) do
    list[#list + 1] = { name = name, value = types.value(at, key, given[name]) }
  end
  return list
end

local function charge_state(at, key, given)
  local state = type(given) == "string" and at.raw_states[given]
  if not state then
    return say(at, key, "%s names a state that charges, and there is no state %q%s", key,
      tostring(given), words.suggest(tostring(given), at.charging))
  end
  if not verbs.charging[state.verb] then
    return say(at, key, "%s names a state that charges, and %s is a %s", key, given, state.verb)
  end
  return given
end

function types.charge(at, key, given)
  return charge_state(at, key, given)
end

function types.charges(at, key, given)
  local list = {}
  for _, name in ipairs(type(given) == "table" and given or { given }) do
    list[#list + 1] = charge_state(at, key, name)
  end
  return list
end

function types.flow(at, key, given)
  if loader.is_flow(given) or type(given) == "string" then return given end
  return say(at, key, "%s is a flow, or the path of a flow's file", key)
end

local function add_edge(at, edges, outcome, to, key, signal)
  if type(to) ~= "string" then
    return say(at, key, "%s leads to a state: a name is expected, not a %s", outcome, type(to))
  end
  if not at.raw_states[to] then
    return say(at, key, "%s leads to %q, and there is no such state%s", outcome, to,
      words.suggest(to, at.state_names))
  end
  for _, edge in ipairs(edges) do
    if edge.outcome == outcome then
      return say(at, key, "%s: %s has an outcome of this name already", outcome, at.verb)
    end
  end
  edges[#edges + 1] = { outcome = outcome, to = to, signal = signal }
end

local function add_targets(at, edges, key, given)
  if type(given) ~= "table" or next(given) == nil then
    return say(at, key, "%s is a table { name = \"state\", … }", key)
  end
  for _, name in ipairs(words.keys(given)) do
    add_edge(at, edges, name, given[name], key, key == "on")
  end
end

-- ---- A state ----

local function set_of(...)
  local set = {}
  for _, list in ipairs { ... } do
    for _, name in ipairs(list) do set[name] = true end
  end
  return set
end

local function check_outcomes(at, given, required, optional, edges)
  for _, outcome in ipairs(required) do
    if given[outcome] == nil then
      say(at, nil, "%s has no outcome %q: say where it leads: %s = \"state\"", at.verb, outcome,
        outcome)
    end
  end
  for _, list in ipairs { required, optional } do
    for _, outcome in ipairs(list) do
      local known = edges[outcome]
      if given[outcome] ~= nil and not known then
        edges[outcome] = true
        add_edge(at, edges, outcome, given[outcome], outcome)
      end
    end
  end
end

local function check_keys(at, given, spec, allowed, args)
  local known = words.keys(spec.keys)
  for name in pairs(allowed) do known[#known + 1] = name end
  table.sort(known)
  local order = {}
  for key in pairs(given) do
    if type(key) ~= "string" then
      say(at, nil, "%s takes key = value, and here stands a value without a key", at.verb)
    else
      order[#order + 1] = key
    end
  end
  table.sort(order)
  for _, key in ipairs(order) do
    local row = spec.keys[key]
    if row and row[1] ~= "targets" then
      args[key] = types[row[1]](at, key, given[key])
    elseif not row and not allowed[key] then
      say(at, key, "%s knows no key %q%s", at.verb, key, words.suggest(key, known))
    end
  end
end

local function check_required(at, given, spec, extra)
  for _, key in ipairs(words.keys(spec.keys)) do
    if given[key] == nil and (spec.keys[key][2] or extra and extra[key]) then
      say(at, nil, "%s needs %s = …", at.verb, key)
    end
  end
  if spec.one_of then
    local count = 0
    for _, key in ipairs(spec.one_of) do
      if given[key] ~= nil then count = count + 1 end
    end
    local on_too = at.verb == "wait" and given.on ~= nil and count == 2 and not given.time
    if count ~= 1 and not on_too then
      say(at, nil, "%s needs one of: %s", at.verb, table.concat(spec.one_of, ", "))
    end
  end
end

local function check_state(at, raw)
  local spec, given, edges, args = verbs[raw.verb], raw.given, {}, {}
  local required, optional, extra = spec.outcomes(given)
  check_keys(at, given, spec, set_of(required, optional), args)
  check_required(at, given, spec, extra)
  check_outcomes(at, given, required, optional, edges)
  for _, key in ipairs { "answers", "cases", "on" } do
    if spec.keys[key] and given[key] ~= nil then add_targets(at, edges, key, given[key]) end
  end
  local list = {}
  for i, edge in ipairs(edges) do list[i] = edge end
  return { name = at.name, verb = raw.verb, line = raw.line, title = raw.title, args = args,
    edges = list, file = at.file }
end

-- ---- The flow ----

local function raw_states(raw)
  local list = {}
  for key, value in pairs(raw.body) do
    if loader.is_state(value) and type(key) == "string" then
      list[#list + 1] = { name = key, state = value }
    end
  end
  table.sort(list, function(a, b)
    if a.state.line ~= b.state.line then return a.state.line < b.state.line end
    return a.name < b.name
  end)
  return list
end

local function check_inputs(at, given)
  local inputs = {}
  if given == nil then return inputs end
  if type(given) ~= "table" then
    say(at, "input", "input is a table { name = \"type\", … }")
    return inputs
  end
  local known = words.keys(verbs.input_types)
  for _, name in ipairs(words.keys(given)) do
    local kind, mark = tostring(given[name]):match "^(%a+)(%??)$"
    if not name:find(NAME) then
      say(at, "input", "input %q is no name: letters, digits and _", name)
    elseif not verbs.input_types[kind] then
      say(at, "input", "input %s: there is no type %q%s", name, tostring(given[name]),
        words.suggest(kind or "", known))
    end
    inputs[name] = { type = kind, optional = mark == "?" }
  end
  return inputs
end

local function check_providers(at, given)
  if given == nil then return nil end
  local list = type(given) == "string" and { given } or given
  if type(list) ~= "table" or #list == 0 then
    return say(at, "providers", "providers is a list of names: { \"ssg\" }")
  end
  for _, name in ipairs(list) do
    if type(name) ~= "string" then
      return say(at, "providers", "providers is a list of names: { \"ssg\" }")
    end
  end
  return list
end

local function check_start(at, raw)
  local start = raw.body.start
  if start == nil then
    return say(at, nil, "flow %q does not say where it begins: start = \"state\"", raw.name)
  end
  if not at.raw_states[start] then
    say(at, "start", "start names %q, and there is no such state%s", tostring(start),
      words.suggest(tostring(start), at.state_names))
  end
end

local function check_flow_keys(at, raw)
  local states = 0
  for key, value in pairs(raw.body) do
    if loader.is_state(value) and type(key) == "string" then
      states = states + 1
      if not key:find(NAME) or verbs.flow_keys[key] then
        say(at, nil, "%q cannot be a state's name", tostring(key))
      end
    elseif type(key) ~= "string" then
      say(at, nil, "a state has a name: name = verb {…}")
    elseif not verbs.flow_keys[key] then
      say(at, key, "%s is no state: a state is name = verb {…}", key)
    end
  end
  if states == 0 then say(at, nil, "flow %q has no states", raw.name) end
end

-- ---- Names in templates ----

local function check_use(flow, at, use, part)
  local name, state = part.name, flow.by[part.name]
  if state and verbs.charging[state.verb] then
    if not part.field then
      return say(at, use.key, "{%s} is a charge: say {%s.id} or {%s.amount}", name, name, name)
    end
    if not verbs.charge_fields[part.field] then
      return say(at, use.key, "{%s.%s}: a charge has %s", name, part.field,
        table.concat(words.keys(verbs.charge_fields), ", "))
    end
    return
  end
  if flow.input[name] or flow.saved[name] or state and state.verb == "flow" then return end
  local known = words.keys(flow.input)
  for saved in pairs(flow.saved) do known[#known + 1] = saved end
  table.sort(known)
  say(at, use.key, "{%s}: nothing has this name%s", name, words.suggest(name, known))
end

local function check_uses(flow, uses)
  for _, use in ipairs(uses) do
    for _, part in ipairs(values.names(use.value)) do
      check_use(flow, use.at, use, part)
    end
  end
end

-- What every check of this flow shares; `state_at` adds what one state has of its own.
local function base(raw, problems)
  local list = raw_states(raw)
  local at = { file = raw.file, line = raw.line, last = math.huge, problems = problems,
    lines = raw.text and loader.lines(raw.text), uses = {}, saved = {}, raw_states = {},
    state_names = {}, charging = {} }
  for _, item in ipairs(list) do
    at.raw_states[item.name] = item.state
    at.state_names[#at.state_names + 1] = item.name
    if verbs.charging[item.state.verb] then at.charging[#at.charging + 1] = item.name end
  end
  return at, list
end

local function state_at(at, list, i)
  local item, last = list[i], math.huge
  if list[i + 1] then last = math.max(item.state.line, list[i + 1].state.line - 1) end
  return setmetatable({ name = item.name, verb = item.state.verb, line = item.state.line,
    last = last }, { __index = at })
end

--- Checks a flow that was read.
-- @tparam table raw of loader.run
-- @tparam table problems is appended to: { rule, file, line, state, message }
-- @treturn table { name, file, text, env, start, input, saved, providers, states, by }
function M.flow(raw, problems)
  local at, list = base(raw, problems)
  local flow = { name = raw.name, file = raw.file, text = raw.text, env = raw.env, line = raw.line,
    start = raw.body.start, states = {}, by = {}, saved = at.saved }
  check_flow_keys(at, raw)
  check_start(at, raw)
  flow.input = check_inputs(at, raw.body.input)
  flow.providers = check_providers(at, raw.body.providers)
  for i, item in ipairs(list) do
    local state = check_state(state_at(at, list, i), item.state)
    if state.verb == "set" then
      for _, row in ipairs(state.args.values or {}) do at.saved[row.name] = true end
    end
    flow.states[i], flow.by[state.name] = state, state
  end
  check_uses(flow, at.uses)
  return flow
end

return M
