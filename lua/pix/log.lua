--- Structured log lines: one JSON object per line, members sorted. What may be written is a list,
-- not a filter: no payer, no code, no reply of a provider's reaches it.
local M = {}

local ORDER = {
  "time", "level", "event", "request_id", "reference", "provider", "operation", "outcome", "sent",
  "attempt", "ms", "delay_ms", "http_status", "code", "message",
}
local LONGEST = 200
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- What has eleven digits in a run (a card, a CPF, a phone), and what looks like an address.
local function redact(text)
  text = text:gsub("[%w%.%-_%+]+@[%w%.%-]+", "[redacted]")
  return (text:gsub("%+?%d[%d%.%-/ %(%)]*%d", function(run)
    local _, digits = run:gsub("%d", "")
    return digits >= 11 and "[redacted]" or nil
  end))
end

local function quote(text)
  return '"' .. text:sub(1, LONGEST):gsub('[%c"\\\127]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
  end) .. '"'
end

local function value_of(name, value)
  if type(value) == "number" then return ("%.14g"):format(value) end
  if type(value) == "boolean" then return tostring(value) end
  local text = tostring(value)
  if name == "message" or name == "code" or name == "reference" then text = redact(text) end
  return quote(text)
end

local function stamp(wall)
  local seconds = math.floor(wall)
  local ms = math.floor((wall - seconds) * 1000)
  return os.date("!%Y-%m-%dT%H:%M:%S", seconds) .. (".%03dZ"):format(ms)
end

--- A line of the log.
-- @tparam table facts any of: level, event, request_id, reference, provider, operation, outcome,
--   sent, attempt, ms, delay_ms, http_status, code, message; others are left out
-- @tparam number wall seconds since the epoch
-- @treturn string JSON without the line's end
function M.line(facts, wall)
  local parts = { '"time":' .. quote(stamp(wall)) }
  for _, name in ipairs(ORDER) do
    if name ~= "time" and facts[name] ~= nil then
      parts[#parts + 1] = ('"%s":%s'):format(name, value_of(name, facts[name]))
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

return M
