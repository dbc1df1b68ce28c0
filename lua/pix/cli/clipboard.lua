--- The clipboard, by the escape sequence OSC 52: it works through ssh, and needs no program.
local M = {}

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function digits(value, count)
  local out = {}
  for i = 4, 1, -1 do
    local rest = value % 64
    out[i] = i <= count and ALPHABET:sub(rest + 1, rest + 1) or "="
    value = (value - rest) / 64
  end
  return table.concat(out)
end

--- Base64 of a text.
function M.base64(text)
  local out = {}
  for at = 1, #text, 3 do
    local a, b, c = text:byte(at, at + 2)
    out[#out + 1] = digits(a * 65536 + (b or 0) * 256 + (c or 0), c and 4 or b and 3 or 2)
  end
  return table.concat(out)
end

--- What a terminal is sent so that it puts a text on its clipboard.
function M.sequence(text)
  return "\27]52;c;" .. M.base64(text) .. "\7"
end

return M
