--- Identifiers and tokens that nobody can guess and that never repeat.
local basexx = require("basexx")
local rand = require("openssl.rand")

local M = {}

local function hex(count)
  return basexx.to_hex(rand.bytes(count)):lower()
end

--- A random UUID (version 4).
function M.uuid()
  local text = hex(16)
  return ("%s-%s-4%s-a%s-%s"):format(text:sub(1, 8), text:sub(9, 12), text:sub(14, 16),
    text:sub(18, 20), text:sub(21))
end

--- `count` random decimal digits, the first not zero.
function M.digits(count)
  local parts = {}
  for i, byte in ipairs({ rand.bytes(count):byte(1, -1) }) do
    parts[i] = i == 1 and byte % 9 + 1 or byte % 10
  end
  return table.concat(parts)
end

--- `count` random hexadecimal digits (an even number of them).
function M.hex(count)
  return hex(count / 2)
end

--- A bearer token that looks like a JWT.
function M.token()
  return "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9." .. basexx.to_url64(rand.bytes(48)) .. "."
    .. basexx.to_url64(rand.bytes(32))
end

return M
