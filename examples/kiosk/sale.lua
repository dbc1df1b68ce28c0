--- One sale, from the order to the drink. It runs in a task and knows nothing of screens.
--
-- States: creating → waiting → paid → brewing → ready; aside from these closing → expired or
-- cancelled; refunding → refunded or stuck; problem. `closing` may still turn into paid: whoever
-- pays in the last second gets coffee.
local pix = require "pix"

local M = {}

local Sale = {}
Sale.__index = Sale

local LOOK = 0.75 -- seconds between two looks: one customer, who stands there and waits
local SHOW_PAID = 1.5
local REFUND_TRIES, REFUND_PAUSE = 5, 2
local LATE = 3600 -- seconds for which a charge that could not be cancelled is watched

local OVER = {
  ready = true, expired = true, cancelled = true, refunded = true, stuck = true, problem = true,
}

function Sale:enter(state)
  self.state, self.entered = state, self.clock()
  self.on_state(self)
end

--- Is there nothing left to happen?
function Sale:over()
  return OVER[self.state] == true
end

-- ---- Money back ----

-- Asks until it is certain. A refund that may have been done is looked for before it is repeated.
local function refund(charge)
  for _ = 1, REFUND_TRIES do
    local status, err = charge:refund()
    if status or charge.status == "refunded" then return true end
    if err.kind == "unsupported" or err.kind == "auth" then return nil, err end
    pix.sleep(err.retry_after or REFUND_PAUSE)
    if charge:refresh() == "refunded" then return true end
  end
  return nil
end

-- Whoever photographed the code may pay it later, if the provider could not cancel it.
local function watch_late(charge)
  if charge:wait { timeout = LATE } == "paid" then refund(charge) end
end

-- ---- Waiting for the payer ----

-- Ends a charge that is not to be paid any more. Returns "paid" if it was, meanwhile.
local function close(sale, why)
  local charge = sale.charge
  sale:enter "closing"
  if charge:cancel() then return why end
  charge:refresh()
  if charge.status == "paid" then return "paid" end
  if charge.status == "pending" then pix.spawn(watch_late, charge) end
  return why
end

-- The task is cancelled when the customer cancels: then a wait gives nil, once.
local function watch(sale)
  local charge, pause = sale.charge, LOOK
  while sale.clock() < sale.deadline do
    if not pix.sleep(pause) then return close(sale, "cancelled") end
    local status, err = charge:refresh()
    if err and err.kind == "cancelled" then return close(sale, "cancelled") end
    if status == "paid" then return status end
    if status and status ~= "pending" and status ~= "unknown" then return "expired" end
    pause = math.max(LOOK, err and err.retry_after or 0)
  end
  return close(sale, "expired")
end

-- ---- The story ----

local function deliver(sale)
  sale:enter "paid"
  pix.sleep(SHOW_PAID)
  sale:enter "brewing"
  if sale.machine.brew(sale.product) then return sale:enter "ready" end
  sale:enter "refunding"
  sale:enter(refund(sale.charge) and "refunded" or "stuck")
end

local function run(sale)
  sale:enter "creating"
  local charge, err = sale.provider:charge { amount = sale.product.price }
  if not charge then
    sale.problem = err
    return sale:enter(err.kind == "cancelled" and "cancelled" or "problem")
  end
  sale.charge = charge
  sale.qr = assert(charge:qr "matrix")
  sale.deadline = sale.clock() + sale.seconds
  sale:enter "waiting"
  local outcome = watch(sale)
  if outcome == "paid" then return deliver(sale) end
  sale:enter(outcome)
end

--- The customer does not want it any more; of use until it is paid.
function Sale:cancel()
  if self.state == "creating" or self.state == "waiting" then self.task:cancel() end
end

--- Starts a sale.
-- @tparam table options provider, machine, product, seconds (to pay), clock = function → seconds,
--   on_state = function(sale)
function M.start(options)
  local sale = setmetatable(options, Sale)
  sale.state = "creating"
  sale.task = pix.spawn(run, sale)
  return sale
end

return M
