--- JSON with the members in the order and the numbers in the spelling of the providers' documents.
-- lua-cjson keeps neither (it writes 365.90 as 365.9), so replies are written here and only
-- requests are read by cjson.
local cjson = require("cjson").new()

local M = {}

local Object = {}
local Array = {}
local Raw = {}

M.null = setmetatable({ text = "null" }, Raw)

--- An object whose members keep their order: `object("id", id, "value", raw("1.00"))`.
-- A nil value leaves the member out.
function M.object(...)
  local names, values, count = {}, {}, select("#", ...)
  local list = { ... }
  for i = 1, count, 2 do
    if list[i + 1] ~= nil then
      names[#names + 1] = list[i]
      values[list[i]] = list[i + 1]
    end
  end
  return setmetatable({ names = names, values = values }, Object)
end

--- An array, which may be empty.
function M.array(list)
  return setmetatable({ list = list }, Array)
end

--- Text that goes out as it is, for numbers: `raw("365.90")`.
function M.raw(text)
  return setmetatable({ text = text }, Raw)
end

--- A copy of an object without the members that `unwanted` (a set) names.
function M.without(object, unwanted)
  local copy = M.object()
  for _, name in ipairs(object.names) do
    if not unwanted[name] then
      copy.names[#copy.names + 1] = name
      copy.values[name] = object.values[name]
    end
  end
  return copy
end

local encode

local function encode_object(value)
  local parts = {}
  for i, name in ipairs(value.names) do
    parts[i] = encode(name) .. ": " .. encode(value.values[name])
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function encode_array(value)
  local parts = {}
  for i, item in ipairs(value.list) do
    parts[i] = encode(item)
  end
  return "[" .. table.concat(parts, ", ") .. "]"
end

function encode(value)
  local mt = type(value) == "table" and getmetatable(value)
  if mt == Object then
    return encode_object(value)
  elseif mt == Array then
    return encode_array(value)
  elseif mt == Raw then
    return value.text
  end
  -- cjson escapes the slash, which the documents do not
  return (cjson.encode(value):gsub("\\/", "/"))
end

--- The text of a value made of the above, of strings, booleans, and of plain tables.
M.encode = encode

--- A decoded value, or nil when the text is no JSON object or array.
function M.decode(text)
  local ok, value = pcall(cjson.decode, text)
  if ok and type(value) == "table" then
    return value
  end
  return nil
end

--- A member as a string that is not empty, or nil.
function M.text(value)
  if type(value) == "string" and value ~= "" then
    return value
  end
  return nil
end

return M
