--- One graph of a flow and of the flows that it runs as parts. Each part's states stand in it under
-- "part/state", so that what is proved of money holds across all of them.
--
-- A part is entered by a node of the verb "enter" and left by nodes of the verb "leave", in which
-- its ends have turned. Names in a part's values belong to the part: its *scope* is its prefix.
local check = require "pix.flow.check"
local loader = require "pix.flow.loader"
local verbs = require "pix.flow.verbs"
local words = require "pix.flow.words"

local M = {}

local DEEPEST = 8
local MOST_STATES = 2000

local function problem(build, state, message, ...)
  build.problems[#build.problems + 1] = {
    rule = "shape", file = state.file, line = state.line, state = state.name,
    message = message:format(...),
  }
end

-- A path stands beside the file that names it.
local function beside(file, path)
  if path:find "^/" then return path end
  return (file:match "^(.*/)[^/]*$" or "") .. path
end

local function read_part(build, state, parent)
  local of = state.args.of
  if loader.is_flow(of) then
    return { name = of.name, body = of.body, line = of.line, file = parent.file,
      text = parent.text, env = parent.env }
  end
  local text, name = loader.read(beside(parent.file, of))
  if not text then return nil, problem(build, state, "%s", name) end
  build.texts[#build.texts + 1] = text
  local raw, why = loader.run(text, name)
  if not raw then
    local file, line, message = why:match "^(.-):(%d+): (.*)$"
    build.problems[#build.problems + 1] = { rule = "shape", file = file or name,
      line = tonumber(line) or 1, message = message or why }
    return nil
  end
  return raw
end

local function prefixed(prefix, list)
  local out = {}
  for i, name in ipairs(list) do out[i] = prefix .. name end
  return out
end

local function copy_args(state, prefix)
  local args = {}
  for key, value in pairs(state.args) do args[key] = value end
  local row = verbs[state.verb].keys.of
  if args.of and row and row[1] == "charge" then args.of = prefix .. args.of end
  if args.of and row and row[1] == "charges" then args.of = prefixed(prefix, args.of) end
  return args
end

local function add_node(build, node)
  local graph = build.graph
  graph.nodes[#graph.nodes + 1] = node
  graph.by[node.name] = node
  node.index = #graph.nodes
end

-- An end of a part leads on in the flow that runs it.
local function leaving(state, node, outer)
  local outcome = state.verb == "done" and "done" or "failed"
  node.verb, node.part = "leave", outer.name
  node.edges = {}
  for _, edge in ipairs(outer.state.edges) do
    if edge.outcome == outcome then
      node.edges[1] = { outcome = outcome, to = outer.prefix .. edge.to }
    end
  end
end

-- What a part wants to be given, and what it is given.
local function check_given(build, state, wanted)
  local given = {}
  for _, row in ipairs(state.args.input or {}) do
    given[row.name] = true
    if not wanted[row.name] then
      problem(build, state, "the flow %s takes no input %q%s", state.name, row.name,
        words.suggest(row.name, words.keys(wanted)))
    end
  end
  for _, name in ipairs(words.keys(wanted)) do
    if not wanted[name].optional and not given[name] then
      problem(build, state, "the flow %s needs input = { %s = … }", state.name, name)
    end
  end
end

local add_flow

local function add_part(build, state, node, flow, prefix, depth)
  if depth >= DEEPEST then
    return problem(build, state, "flows run each other more than %d deep; does one run itself?",
      DEEPEST)
  end
  local raw = read_part(build, state, flow)
  if not raw then return end
  local inner = check.flow(raw, build.problems)
  check_given(build, state, inner.input)
  local scope = prefix .. state.name .. "/"
  node.verb, node.part, node.inputs = "enter", scope, inner.input
  node.edges = { { outcome = "next", to = scope .. tostring(inner.start) } }
  add_flow(build, inner, scope, depth + 1,
    { name = prefix .. state.name, prefix = prefix, state = state })
end

function add_flow(build, flow, prefix, depth, outer)
  build.graph.scopes[prefix] = { env = flow.env, input = flow.input }
  for _, state in ipairs(flow.states) do
    if #build.graph.nodes >= MOST_STATES then
      return problem(build, state, "a flow has %d states at most", MOST_STATES)
    end
    local node = { name = prefix .. state.name, verb = state.verb, line = state.line,
      file = state.file, title = state.title, scope = prefix, edges = {},
      args = copy_args(state, prefix) }
    for i, edge in ipairs(state.edges) do
      node.edges[i] = { outcome = edge.outcome, to = prefix .. edge.to, signal = edge.signal }
    end
    add_node(build, node)
    if state.verb == "flow" and state.args.of then
      add_part(build, state, node, flow, prefix, depth)
    elseif outer and verbs.ending[state.verb] then
      leaving(state, node, outer)
    end
  end
end

--- The graph of a flow.
-- @tparam table flow of check.flow
-- @tparam table problems is appended to
-- @treturn table { name, file, start, input, providers, nodes, by, scopes, texts }; a node is {
--   name, index, verb, line, file, title, scope, args, edges = { { outcome, to, signal } } }
function M.graph(flow, problems)
  local graph = { name = flow.name, file = flow.file, start = flow.start, input = flow.input,
    providers = flow.providers, nodes = {}, by = {}, scopes = {} }
  local build = { graph = graph, problems = problems, texts = { flow.text } }
  add_flow(build, flow, "", 1, nil)
  graph.texts = build.texts
  return graph
end

return M
