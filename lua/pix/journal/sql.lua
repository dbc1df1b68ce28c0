--- Statements with named values: `:name` becomes $1, $2 … for the core. Pure.
local M = {}

local parsed = {} -- text -> { sql, names }: texts are constants of the program, so they are few

local function parse(text)
  local names, numbers = {}, {}
  local sql = text:gsub("%s+", " "):gsub(":([%a_]+)", function(name)
    if not numbers[name] then
      names[#names + 1] = name
      numbers[name] = #names
    end
    return "$" .. numbers[name]
  end)
  parsed[text] = { sql = sql, names = names }
  return parsed[text]
end

--- A statement for the core's journal:submit.
-- @tparam string text SQL with :name for values
-- @tparam[opt] table values by name; what is absent is NULL
-- @tparam[opt] integer expect how many rows must be met, or the transaction is refused
-- @treturn table
function M.statement(text, values, expect)
  local known = parsed[text] or parse(text)
  local statement = { sql = known.sql, n = #known.names, expect = expect }
  for i, name in ipairs(known.names) do
    statement[i] = values[name]
  end
  return statement
end

return M
