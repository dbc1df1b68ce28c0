--- The program under test: sells, waits for the money, and sends the goods.
local M = {}

local DAY = 86400

--- Sells one article. May yield.
-- @param provider of luapix
-- @tparam number amount centavos
-- @tparam function ship(charge) called when it is paid
-- @treturn string "shipped", "unpaid" or "unknown", and the error
function M.sell(provider, amount, ship)
  local charge, err = provider:charge { amount = amount }
  if not charge then return err.sent == "maybe" and "unknown" or "unpaid", err end
  local status
  status, err = charge:wait { timeout = DAY }
  if status ~= "paid" then return "unpaid", err end
  ship(charge)
  return "shipped"
end

return M
