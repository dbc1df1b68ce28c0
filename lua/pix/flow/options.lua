--- What a program gives to a run: is it all that the flow needs? Misuse raises; data that does not
-- fit is nil and an error.
local core = require "pix.core"
local memory = require "pix.flow.memory"
local tills = require "pix.flow.till"
local values = require "pix.flow.values"
local words = require "pix.flow.words"

local M = {}

local KNOWN = { checkout = "any", ui = "table", perform = "table", journal = "any", id = "string",
  alert = "function", card = "any", on_step = "function", on_error = "function", lease = "number",
  sole = "boolean", changed = "function" }

local shared -- the journal of programs that give none

local function check_types(options, name)
  for key, value in pairs(options) do
    local kind = KNOWN[key]
    if not kind then
      error(("%s: there is no option %q%s"):format(name, tostring(key),
        words.suggest(tostring(key), words.keys(KNOWN))), 4)
    end
    if kind ~= "any" and type(value) ~= kind then
      error(("%s: %s must be a %s, not a %s"):format(name, key, kind, type(value)), 4)
    end
  end
end

-- What the flow's states ask of the host.
local function check_needs(graph, options, name)
  for _, node in ipairs(graph.nodes) do
    if node.verb == "perform" and type((options.perform or {})[node.title]) ~= "function" then
      error(("%s: %s:%d: the host gives no function perform[%q]"):format(name, node.file,
        node.line, node.title), 4)
    elseif node.verb == "subscribe" and options.card == nil then
      error(("%s: %s:%d: the host gives no card"):format(name, node.file, node.line), 4)
    elseif node.verb == "charge" and options.checkout == nil then
      error(("%s: %s:%d: the host gives no checkout"):format(name, node.file, node.line), 4)
    end
  end
  if not options.alert then
    error(name .. ": alert = function(message, facts) is needed: it reaches a person", 4)
  end
end

local function open_journal(given)
  if given == nil then
    shared = shared or memory.new { forget = true }
    return shared
  end
  if type(given) == "string" then return require("pix.journal").open(given) end
  return given
end

--- The options as runner.lua wants them: with a till and a journal.
-- @treturn table|nil nil and an error
function M.prepare(graph, given, name)
  if type(given) ~= "table" then error(name .. ": a table of options was expected", 3) end
  check_types(given, name)
  local options = {}
  for key, value in pairs(given) do options[key] = value end
  options.alert = options.alert or options.ui and options.ui.alert
  if graph then check_needs(graph, options, name) end
  local err
  options.journal, err = open_journal(given.journal)
  if not options.journal then return nil, err end
  if given.checkout == nil then return options end
  options.till = tills.of(given.checkout)
  if graph then
    local fits
    fits, err = tills.fits(options.till, graph)
    if not fits then return nil, err end
  end
  return options
end

local function refuse(name, message)
  return nil, core.error { kind = "invalid", sent = "no", operation = "flow",
    message = ("input %s: %s"):format(name, message), fields = { [name] = { message } } }
end

local convert = {
  money = function(value) return core.money(value) end,
  text = function(value)
    if type(value) == "string" or type(value) == "number" then return tostring(value) end
    return nil, { message = "is a text" }
  end,
  number = function(value)
    if type(value) == "number" and value == value then return value end
    return nil, { message = "is a number" }
  end,
  boolean = function(value)
    if type(value) == "boolean" then return value end
    return nil, { message = "is true or false" }
  end,
}

--- The input of a run: every name of the flow's `input`, and nothing else.
-- @treturn table|nil nil and an error of kind "invalid"
function M.input(graph, given)
  given = given or {}
  local input = {}
  for _, name in ipairs(words.keys(graph.input)) do
    local row, value = graph.input[name], given[name]
    if value == nil and not row.optional then return refuse(name, "is missing") end
    if value ~= nil then
      local converted, err = convert[row.type](value)
      if converted == nil then return refuse(name, err and err.message or "does not fit") end
      input[name] = converted
    end
  end
  for name in pairs(given) do
    if not graph.input[name] then
      return refuse(tostring(name), "the flow takes none of this name"
        .. words.suggest(tostring(name), words.keys(graph.input)))
    end
  end
  return values.copy(input)
end

return M
