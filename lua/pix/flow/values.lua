--- Values of a flow: text with {names}, numbers, booleans, functions of the data. Compiled once,
-- when the flow is loaded; put together whenever a run needs them.
local core = require "pix.core"
local sandbox = require "pix.flow.sandbox"
local template = require "pix.flow.template"

local M = {}

--- Compiles a value.
-- @treturn table|nil { fn = } or { parts = } or { const = }; nil and what is wrong
function M.compile(given)
  local kind = type(given)
  if kind == "function" then return { fn = given } end
  if kind == "number" or kind == "boolean" then return { const = given } end
  if kind ~= "string" then
    return nil, "is a text, a number, true or false, or a function, not a " .. kind
  end
  if not given:find "[{}]" then return { const = given } end
  local parts, why = template.parse(given)
  if not parts then return nil, why end
  return { parts = parts }
end

--- The names that a compiled value looks at: { { name =, field = }, … }.
function M.names(value)
  local list = {}
  for _, part in ipairs(value.parts or {}) do
    if type(part) == "table" then list[#list + 1] = part end
  end
  return list
end

-- What a function of the flow may look at: a copy, which it may change without harm.
local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, member in pairs(value) do
    result[key] = copy(member)
  end
  return result
end
M.copy = copy

local function look(data)
  return function(part)
    local value = data[part.name]
    if not part.field then return value end
    if type(value) == "table" then return value[part.field] end
  end
end

-- Money is written as people write it, in the middle of a text.
local function spell(types)
  return function(part, value)
    local kind = part.field == "amount" and "money" or types[part.name]
    if kind == "money" and type(value) == "number" and value > 0 then return core.format(value) end
    if type(value) == "number" and value % 1 == 0 then return ("%.0f"):format(value) end
  end
end

--- The value, for a run's data.
-- @tparam table value compiled
-- @tparam table data names and their values
-- @tparam table context { env = the flow's environment, types = name → type of input }
-- @return the value; or nil and what a function of the flow raised
function M.get(value, data, context)
  if value == nil then return nil end
  if value.fn then
    local ok, result = sandbox.call(context.env, value.fn, copy(data))
    if not ok then return nil, tostring(result) end
    return result
  end
  if value.parts then
    return template.fill(value.parts, look(data), spell(context.types))
  end
  return value.const
end

return M
