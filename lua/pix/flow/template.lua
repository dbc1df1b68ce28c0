--- Templates: "Pedido {order}" with the run's data put in. Pure.
--
-- `{{` and `}}` are braces. What is put in is not looked at again, so that a customer's name can
-- hold braces without meaning anything, and its control characters become blanks.
local M = {}

local NAME = "^[%a_][%w_]*$"
local FIELD = "^([%a_][%w_]*)%.([%a_][%w_]*)$"

local function add_name(parts, inner)
  local name = inner:match "^%s*(.-)%s*$"
  if name:find(NAME) then
    parts[#parts + 1] = { name = name }
  elseif name:find(FIELD) then
    local of, field = name:match(FIELD)
    parts[#parts + 1] = { name = of, field = field }
  else
    return nil, ("{%s} is not a name; a brace itself is written {{ or }}"):format(inner)
  end
  return true
end

local function add_text(parts, text)
  if text ~= "" then parts[#parts + 1] = text end
end

--- Takes a template apart.
-- @tparam string text
-- @treturn table|nil texts and { name =, field = }, in order; nil and what is wrong
function M.parse(text)
  local parts, at, pending = {}, 1, ""
  while at <= #text do
    local from = text:find("[{}]", at)
    if not from then break end
    pending = pending .. text:sub(at, from - 1)
    local brace = text:sub(from, from)
    if text:sub(from + 1, from + 1) == brace then
      pending, at = pending .. brace, from + 2
    else
      local closing = brace == "{" and text:find("}", from, true)
      if not closing then return nil, ("a lone %s; write %s%s"):format(brace, brace, brace) end
      add_text(parts, pending)
      local ok, why = add_name(parts, text:sub(from + 1, closing - 1))
      if not ok then return nil, why end
      pending, at = "", closing + 1
    end
  end
  add_text(parts, pending .. text:sub(at))
  return parts
end

local function as_text(value, part, spell)
  local text = spell and spell(part, value) or tostring(value == nil and "" or value)
  return (text:gsub("%c", " "))
end

--- Puts a template together. One that is a single name gives the value itself, of its own type.
-- @tparam table parts of `parse`
-- @tparam function look (part) → value
-- @tparam[opt] function spell (part, value) → text, or nil for tostring
function M.fill(parts, look, spell)
  if #parts == 1 and type(parts[1]) == "table" then return look(parts[1]) end
  local texts = {}
  for i, part in ipairs(parts) do
    texts[i] = type(part) == "string" and part or as_text(look(part), part, spell)
  end
  return table.concat(texts)
end

return M
