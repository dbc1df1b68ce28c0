--- Reads `.env` files: KEY=VALUE lines, `export` before them, comments, quotes.
-- 'single quotes' keep everything; "double quotes" know \n \r \t \" \\ and \$; there is no
-- interpolation, for a secret may well have a $ in it. Errors tell the line, never its content.
local M = {}

local MAX_SIZE = 64 * 1024
local ESCAPES = { n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["$"] = "$" }

-- What may stand behind a closing quote.
local function nothing_left(rest)
  return rest:match("^%s*$") or rest:match("^%s+#")
end

local function double_quoted(text)
  local out, at = {}, 2
  while at <= #text do
    local c = text:sub(at, at)
    if c == '"' then
      return nothing_left(text:sub(at + 1)) and table.concat(out)
    elseif c == "\\" then
      local escaped = text:sub(at + 1, at + 1)
      c = ESCAPES[escaped] or "\\" .. escaped
      at = at + 1
    end
    out[#out + 1] = c
    at = at + 1
  end
  return nil
end

local function value_of(text)
  if text:sub(1, 1) == "'" then
    local value, rest = text:match("^'([^']*)'(.*)$")
    return value and nothing_left(rest) and value
  elseif text:sub(1, 1) == '"' then
    return double_quoted(text)
  end
  -- a # begins a comment only behind a blank: secrets have it in them
  return (text:gsub("^#.*", ""):gsub("%s+#.*", ""):gsub("%s+$", ""))
end

local function read_line(line, values)
  if line:match("^%s*$") or line:match("^%s*#") then
    return true
  end
  local name, text = line:gsub("^%s*export%s+", ""):match("^%s*([%a_][%w_]*)%s*=%s*(.*)$")
  local value = name and value_of(text)
  if not value then
    return false
  end
  values[name] = value
  return true
end

--- Reads the text of a file.
-- @tparam string text
-- @treturn table|nil name → value, or nil and the number of the line that is not understood
function M.parse(text)
  local values, number = {}, 0
  text = text:gsub("^\239\187\191", ""):gsub("\r\n", "\n")
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    if line:find("%z") or not read_line(line, values) then
      return nil, number
    end
  end
  return values
end

--- Reads a file.
-- @tparam string path
-- @treturn table|nil name → value; or nil and "missing", "unreadable", or a line's number
function M.read(path)
  local file = io.open(path, "rb")
  if not file then
    return nil, "missing"
  end
  local text, why = file:read(MAX_SIZE + 1)
  file:close()
  if why or #(text or "") > MAX_SIZE then
    return nil, "unreadable"
  end
  return M.parse(text or "")
end

return M
