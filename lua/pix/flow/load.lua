--- From a path or a text to a flow that is proved, or to an error with every finding.
local core = require "pix.core"
local check = require "pix.flow.check"
local expand = require "pix.flow.expand"
local loader = require "pix.flow.loader"
local rules = require "pix.flow.rules"
local verify = require "pix.flow.verify"

local M = {}

-- A finding may quote the text, which may be anything.
local function refusal(findings)
  for _, finding in ipairs(findings) do
    finding.message = finding.message:gsub("%c", "?")
  end
  local first = findings[1]
  local message = ("%s:%d: %s"):format(first.file, first.line, first.message)
  if first.path then message = message .. " (" .. rules.path(first.path) .. ")" end
  if #findings > 1 then message = ("%s, and %d more"):format(message, #findings - 1) end
  return nil, core.error {
    kind = "invalid", sent = "no", operation = "flow", message = message, findings = findings,
    hint = first.fix or "pix flow check shows all that is wrong with a flow",
  }
end

local function unreadable(message)
  local file, line, words = message:match "^(.-):(%d+): (.*)$"
  return refusal { { rule = "shape", file = file or "flow", line = tonumber(line) or 1,
    message = words or message } }
end

local function by_line(problems)
  table.sort(problems, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return a.line < b.line end
    return a.message < b.message
  end)
  return problems
end

--- Reads, checks and proves a flow.
-- @tparam string where path or text
-- @treturn table|nil { graph, money, version, texts }; nil and an error of kind "invalid", whose
--   `findings` say all that is wrong
function M.load(where)
  local text, name = loader.read(where)
  if not text then return unreadable(name) end
  local raw, why = loader.run(text, name)
  if not raw then return unreadable(why) end
  local problems = {}
  local flow = check.flow(raw, problems)
  local graph = #problems == 0 and expand.graph(flow, problems)
  if #problems > 0 then return refusal(by_line(problems)) end
  local findings, money = verify.graph(graph)
  if #findings > 0 then
    local _, err = refusal(findings)
    err.graph, err.money = graph, money
    return nil, err
  end
  return { graph = graph, money = money,
    version = core.hex_sha256(table.concat(graph.texts, "\0")):sub(1, 16) }
end

return M
