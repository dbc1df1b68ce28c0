--- The same checkout as luapix's, written as a Lua program would without it, over any HTTP client:
-- a charge, then a look at its status, with the token's header and JSON by cjson.
--
-- `bare` believes what it is told. `checked` does the shop's duty, as luapix always does: the ids,
-- the status's word, the amount, and the BR Code's checksum and amount.
local cjson = require "cjson.safe"
local checksum = require "bench.crc16"

local M = {}

-- The amount in a BR Code whose checksum is right, as text; nil and why.
local function amount_of(code)
  local at, amount = 1, nil
  while at + 3 <= #code do
    local tag, length = code:sub(at, at + 1), tonumber(code:sub(at + 2, at + 3))
    if not length or at + 3 + length > #code then return nil, "the code is cut" end
    if tag == "54" then amount = code:sub(at + 4, at + 3 + length) end
    at = at + 4 + length
  end
  if code:sub(-8, -5) ~= "6304" then return nil, "the code has no checksum" end
  if tonumber(code:sub(-4), 16) ~= checksum(code, #code - 4) then
    return nil, "the code's checksum is wrong"
  end
  return amount
end

local STATUS = { PENDING = "pending", PAID = "paid", EXPIRED = "expired", CANCELLED = "cancelled" }

local function check_charge(charge)
  if type(charge) ~= "table" or type(charge.id) ~= "string" or charge.id == "" then
    return nil, "no id"
  end
  if not STATUS[charge.status] then return nil, "an unknown status" end
  if type(charge.qr_code_text) ~= "string" then return nil, "no code" end
  local amount, err = amount_of(charge.qr_code_text)
  if err then return nil, err end
  if tonumber(amount) ~= 19.9 or tonumber(charge.value) ~= 19.9 then return nil, "other amount" end
  return charge
end

local function check_status(heard)
  if type(heard) ~= "table" or not STATUS[heard.status] then return nil, "an unknown status" end
  return heard
end

local function ask(shop, request, expected, check)
  request.token = shop.token
  local reply, err = shop.client.request(shop.host, shop.port, request)
  if not reply then return nil, err end
  if reply.status ~= expected then return nil, "status " .. reply.status end
  local value
  value, err = cjson.decode(reply.body)
  if value and check then return check(value) end
  return value, err
end

local function checkout(shop, checked)
  local charge, err = ask(shop, {
    method = "POST", path = "/api/qrcode/new",
    body = cjson.encode { device_code = "bench-device", value = 19.9 },
  }, 201, checked and check_charge)
  if not charge then return nil, err end
  local heard
  heard, err = ask(shop, {
    method = "GET",
    path = "/api/qrcode/" .. charge.id .. "/status?device_code=bench-device",
  }, 200, checked and check_status)
  if not heard then return nil, err end
  return heard.status
end

--- A charge and a look at its status; the status, or nil and why.
-- @tparam table shop client, host, port, token
function M.bare(shop) return checkout(shop, false) end
function M.checked(shop) return checkout(shop, true) end

return M
