--- CRC-16/CCITT-FALSE of a text's first bytes, as fast as plain Lua can: a table of 256, and the
-- VM's own operators on bits. LuaJIT cannot parse those of Lua 5.4, so that they are a text.
local WITH_OPERATORS = [[
  local crc_of = {}
  for byte = 0, 255 do
    local crc = byte << 8
    for _ = 1, 8 do
      crc = crc & 0x8000 ~= 0 and crc << 1 ~ 0x1021 or crc << 1
    end
    crc_of[byte] = crc & 0xFFFF
  end
  local byte_at = string.byte
  return function(text, last)
    local crc = 0xFFFF
    for i = 1, last do
      crc = (crc << 8 ~ crc_of[crc >> 8 ~ byte_at(text, i)]) & 0xFFFF
    end
    return crc
  end
]]

local function with_functions(bit)
  local band, bxor, lshift, rshift = bit.band, bit.bxor, bit.lshift, bit.rshift
  local crc_of = {}
  for byte = 0, 255 do
    local crc = lshift(byte, 8)
    for _ = 1, 8 do
      crc = band(crc, 0x8000) ~= 0 and bxor(lshift(crc, 1), 0x1021) or lshift(crc, 1)
    end
    crc_of[byte] = band(crc, 0xFFFF)
  end
  return function(text, last)
    local crc = 0xFFFF
    for i = 1, last do
      crc = band(bxor(lshift(crc, 8), crc_of[bxor(rshift(crc, 8), text:byte(i))]), 0xFFFF)
    end
    return crc
  end
end

local found, bit = pcall(require, "bit")
return found and with_functions(bit) or load(WITH_OPERATORS)()
