--- Small words of the flow language: durations, lists for people, and "did you mean". Pure.
local M = {}

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }
local LONGEST = 30 * 86400

local function parse_units(text)
  local total, rest = 0, text
  while rest ~= "" do
    local number, unit, after = string.match(rest, "^(%d+)([smhd])(.*)$")
    if not number then return nil end
    total, rest = total + tonumber(number) * UNITS[unit], after
  end
  return total
end

--- Seconds of "90s", "5m", "1h30m", "2d", or of a number of seconds.
-- @treturn number|nil nil and what is wrong
function M.duration(value)
  local seconds
  if type(value) == "number" then
    seconds = value
  elseif type(value) == "string" and value ~= "" then
    seconds = parse_units(value)
  end
  if not seconds or seconds ~= seconds or seconds <= 0 then
    return nil, "a duration is written \"90s\", \"5m\", \"1h30m\" or \"2d\""
  end
  if seconds > LONGEST then return nil, "a duration is 30 days at most" end
  return seconds
end

-- Edits that lead from one word to another; two neighbours that changed places are one edit.
local function distance(a, b)
  local before, row = nil, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local following = { [0] = i }
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, following[j - 1] + 1, row[j - 1] + cost)
      local swapped = before and j > 1 and a:byte(i) == b:byte(j - 1)
        and a:byte(i - 1) == b:byte(j)
      following[j] = swapped and math.min(best, before[j - 2] + 1) or best
    end
    before, row = row, following
  end
  return row[#b]
end

--- The name in a list that was probably meant, or nil.
-- @tparam string name
-- @tparam {string,…} list
function M.nearest(name, list)
  local best, found = math.max(1, math.floor(#name / 3)) + 1, nil
  for _, candidate in ipairs(list) do
    local edits = distance(name:lower(), candidate:lower())
    if edits < best then best, found = edits, candidate end
  end
  return found
end

--- " (did you mean x?)", or what there is to choose from, or nothing.
function M.suggest(name, list)
  local found = M.nearest(name, list)
  if found then return (" (did you mean %q?)"):format(found) end
  if #list == 0 or #list > 12 then return "" end
  return " (there are: " .. table.concat(list, ", ") .. ")"
end

--- The keys of a table that are strings, sorted.
function M.keys(map)
  local list = {}
  for key in pairs(map) do
    if type(key) == "string" then list[#list + 1] = key end
  end
  table.sort(list)
  return list
end

return M
