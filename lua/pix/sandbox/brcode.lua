--- Writes the BR Codes that the simulated providers answer with: dynamic, with a valid CRC.
-- A writer of its own, so that a fault in the core's writer cannot hide one in its reader.
-- EMV MPM as profiled by Banco Central; the layout follows the two real codes of the documents.
local M = {}

-- LuaJIT has a library for it; Lua 5.3 and later have an operator that LuaJIT cannot parse.
local bit = rawget(_G, "bit")
local xor = bit and bit.bxor or load("return function(a, b) return a ~ b end")()

local function tlv(tag, value)
  return ("%s%02d%s"):format(tag, #value, value)
end

--- CRC-16/CCITT-FALSE (polynomial 1021, initial value FFFF, no reflection).
function M.crc(text)
  local crc = 0xFFFF
  for i = 1, #text do
    crc = xor(crc, text:byte(i) * 256)
    for _ = 1, 8 do
      local top = crc >= 0x8000
      crc = crc * 2 % 0x10000
      if top then
        crc = xor(crc, 0x1021)
      end
    end
  end
  return crc
end

--- Centavos as reais with a point and two decimals: 1990 → "19.90".
function M.reais(centavos)
  return ("%d.%02d"):format(math.floor(centavos / 100), centavos % 100)
end

--- A dynamic code.
-- @tparam table code url (without scheme), name, city, and amount in centavos or nil
function M.encode(code)
  local account = tlv("00", "br.gov.bcb.pix") .. tlv("25", code.url)
  local text = tlv("00", "01") .. tlv("26", account) .. tlv("52", "0000") .. tlv("53", "986")
  if code.amount then
    text = text .. tlv("54", M.reais(code.amount))
  end
  text = text .. tlv("58", "BR") .. tlv("59", code.name) .. tlv("60", code.city)
  text = text .. tlv("62", tlv("05", "***")) .. "6304"
  return ("%s%04X"):format(text, M.crc(text))
end

return M
