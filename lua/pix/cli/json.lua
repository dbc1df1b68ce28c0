--- Writes JSON for machines: one line, members sorted, whole numbers without a fraction.
-- lua-cjson would order members by chance, and may not be there where only the core is.
local M = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local MAX_DEPTH = 64

local encode

local function text(value)
  return '"' .. value:gsub('[%c"\\\127]', function(c)
    return ESCAPES[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then
    return "null"
  elseif value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return ("%d"):format(value)
  end
  return ("%.17g"):format(value)
end

local function array(value, depth)
  local parts = {}
  for i = 1, #value do
    parts[i] = encode(value[i], depth)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object(value, depth)
  local names, parts = {}, {}
  for name in pairs(value) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = text(name) .. ":" .. encode(value[name], depth)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value, depth)
  local kind = type(value)
  if kind == "string" then
    return text(value)
  elseif kind == "number" then
    return number(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" and depth > 0 then
    local write = (#value > 0 or M.is_list(value)) and array or object
    return write(value, depth - 1)
  end
  return "null"
end

local LIST = {}

--- Marks a table as a list, so that it is written as [] when it is empty.
function M.list(value)
  return setmetatable(value, LIST)
end

--- Was it marked as a list?
function M.is_list(value)
  return getmetatable(value) == LIST
end

--- One value as one line of JSON, without its end.
function M.encode(value)
  return encode(value, MAX_DEPTH)
end

return M
