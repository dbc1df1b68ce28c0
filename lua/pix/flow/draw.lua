--- Draws a flow: Graphviz dot, or Mermaid. The happy path is thick, states are coloured by what
-- the money may be there. Pure.
local verbs = require "pix.flow.verbs"

local M = {}

-- By verb: shape in dot, brackets in Mermaid.
local SHAPES = {
  charge = { "box", "[", "]" }, subscribe = { "box", "[", "]" }, ask = { "hexagon", "{{", "}}" },
  choose = { "diamond", "{", "}" }, perform = { "component", "[[", "]]" },
  done = { "doublecircle", "((", "))" }, fail = { "doublecircle", "((", "))" },
  alert = { "house", "[/", "\\]" },
}
local PLAIN = { "box", "(", ")" }

-- What the money may be at a state; the gravest comes first.
local COLOURS = {
  { "owed", "#f4b6b6", "money to be given back" },
  { "unsure", "#f6cf9c", "perhaps paid" },
  { "paid", "#f7efa3", "paid, not delivered" },
  { "told", "#d9c8ee", "in a person's hands" },
  { "unsure_told", "#d9c8ee", "in a person's hands" },
  { "open", "#bcd9f5", "payable" },
  { "delivered", "#bfe5bf", "paid and delivered" },
}
local NOTHING = { "none", "#ffffff", "no money" }
local CHARGING = { "open", "#bcd9f5", "payable" }

local function colour_of(node, money)
  if verbs.charging[node.verb] then return CHARGING end
  for _, row in ipairs(COLOURS) do
    if money and money[node.name] and money[node.name][row[1]] then return row end
  end
  return NOTHING
end

-- ---- The happy path ----

-- From the start along each state's first outcome, until an end or a state that was met.
local function first_outcomes(graph)
  local edges, states, node = {}, {}, graph.by[graph.start]
  while node and not states[node.name] do
    states[node.name] = true
    local edge = node.edges[1]
    if not edge then break end
    edges[edge] = true
    node = graph.by[edge.to]
  end
  return edges, states
end

local function way_back(node, from)
  local edges, states = {}, { [node.name] = true }
  while from[node.name] do
    local back = from[node.name]
    edges[back.edge], states[back.node.name] = true, true
    node = back.node
  end
  return edges, states
end

-- The shortest way to an end at which something was paid and delivered; else the first outcomes.
local function happy_path(graph, money)
  local from, seen, queue, at = {}, { [graph.start] = true }, { graph.by[graph.start] }, 1
  while queue[at] do
    local node = queue[at]
    at = at + 1
    local delivered = node.verb == "done" and money[node.name] and money[node.name].delivered
    if delivered then return way_back(node, from) end
    for _, edge in ipairs(node.edges) do
      if not seen[edge.to] then
        seen[edge.to], from[edge.to] = true, { node = node, edge = edge }
        queue[#queue + 1] = graph.by[edge.to]
      end
    end
  end
  return first_outcomes(graph)
end

local function label(node)
  local name = node.name:match "[^/]*$"
  if node.verb == "done" or node.verb == "fail" then return name end
  local what = node.title and ("%s %s"):format(node.verb, node.title) or node.verb
  return name, what
end

local function edge_label(edge)
  return edge.signal and "⚡ " .. edge.outcome or edge.outcome
end

-- ---- Graphviz ----

local function quote(text)
  return '"' .. tostring(text):gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

local function dot_node(node, money, happy)
  local name, what = label(node)
  local shape = (SHAPES[node.verb] or PLAIN)[1]
  local text = what and name .. "\n" .. what or name
  return ("  %s [label=%s, shape=%s, fillcolor=%s%s];"):format(quote(node.name), quote(text), shape,
    quote(colour_of(node, money)[2]), happy and ", penwidth=2.2" or "")
end

local function dot_edge(node, edge, happy)
  local style = ', color="#8a8a8a", fontcolor="#6a6a6a"'
  if happy then style = ', penwidth=2.6, color="#1c7c3c", fontcolor="#1c7c3c", weight=8' end
  if edge.signal then style = ', style=dashed, color="#8a8a8a", fontcolor="#6a6a6a"' end
  return ("  %s -> %s [label=%s%s];"):format(quote(node.name), quote(edge.to),
    quote(" " .. edge_label(edge) .. " "), style)
end

local function legend(graph, money)
  local rows, seen = {}, {}
  for _, node in ipairs(graph.nodes) do
    local row = colour_of(node, money)
    if not seen[row[3]] then
      seen[row[3]] = true
      rows[#rows + 1] = ('<tr><td bgcolor="%s">   </td><td align="left">%s</td></tr>'):format(
        row[2], row[3])
    end
  end
  table.sort(rows)
  return ("  legend [shape=plain, style=\"\", label=<<table border=\"0\" cellspacing=\"2\">%s"
    .. "</table>>];"):format(table.concat(rows))
end

local function dot(graph, money)
  local lines = { "digraph " .. quote(graph.name) .. " {", "  rankdir=TB; nodesep=0.45; "
    .. "ranksep=0.55; bgcolor=white;",
    '  node [style=filled, fontname="Helvetica", fontsize=11, color="#4a4a4a"];',
    '  edge [fontname="Helvetica", fontsize=9];',
    '  start [shape=point, width=0.15, label=""];',
    "  start -> " .. quote(graph.start) .. ' [penwidth=2.6, color="#1c7c3c"];' }
  local happy, states = happy_path(graph, money)
  for _, node in ipairs(graph.nodes) do
    lines[#lines + 1] = dot_node(node, money, states[node.name])
  end
  for _, node in ipairs(graph.nodes) do
    for _, edge in ipairs(node.edges) do lines[#lines + 1] = dot_edge(node, edge, happy[edge]) end
  end
  lines[#lines + 1] = legend(graph, money)
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n") .. "\n"
end

-- ---- Mermaid ----

local function mermaid_text(text)
  return (tostring(text):gsub('"', "#quot;"):gsub("[<>]", { ["<"] = "#lt;", [">"] = "#gt;" }))
end

local function mermaid_node(node, id)
  local name, what = label(node)
  local shape = SHAPES[node.verb] or PLAIN
  local text = what and name .. "<br/>" .. mermaid_text(what) or name
  return ('  %s%s"%s"%s'):format(id, shape[2], text, shape[3])
end

local function mermaid(graph, money)
  local lines, links, thick, ids = { "flowchart TD" }, 0, {}, {}
  local happy = happy_path(graph, money)
  for i, node in ipairs(graph.nodes) do
    ids[node.name] = "s" .. i
    lines[#lines + 1] = mermaid_node(node, ids[node.name])
  end
  for _, node in ipairs(graph.nodes) do
    for _, edge in ipairs(node.edges) do
      lines[#lines + 1] = ('  %s %s|"%s"| %s'):format(ids[node.name], edge.signal and "-.->"
        or happy[edge] and "==>" or "-->", mermaid_text(edge_label(edge)), ids[edge.to])
      if happy[edge] then thick[#thick + 1] = links end
      links = links + 1
    end
  end
  for _, node in ipairs(graph.nodes) do
    lines[#lines + 1] = ("  style %s fill:%s,stroke:#4a4a4a,color:#000"):format(ids[node.name],
      colour_of(node, money)[2])
  end
  if #thick > 0 then
    lines[#lines + 1] = ("  linkStyle %s stroke:#1c7c3c,stroke-width:3px"):format(
      table.concat(thick, ","))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Draws a graph.
-- @tparam table graph
-- @tparam table money of verify.graph
-- @tparam string format "dot" or "mermaid"
function M.graph(graph, money, format)
  if format == "mermaid" then return mermaid(graph, money) end
  if format == "dot" then return dot(graph, money) end
  error("draw: format is \"dot\" or \"mermaid\", not " .. tostring(format), 2)
end

return M
