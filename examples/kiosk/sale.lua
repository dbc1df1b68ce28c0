--- One sale, from the order to the drink: a run of examples/flows/coffee.flow.lua, as the screens
-- show it. What is done with money is in the flow; nothing here asks for it or gives it back.
--
-- States: creating → waiting → paid → brewing → ready; aside from these again, closing → expired or
-- cancelled; refunding → refunded or stuck; doubt; problem. `closing` may still turn into paid:
-- whoever pays in the last second gets coffee.
local pix = require "pix"

local M = {}

local Sale = {}
Sale.__index = Sale

local SHOW_PAID = 1.5

local OVER = {
  ready = true, expired = true, cancelled = true, refunded = true, stuck = true, doubt = true,
  problem = true,
}

function Sale:enter(state)
  if self.gone then return end
  self.state = state
  self.on_state(self)
end

--- Is there nothing left to happen?
function Sale:over()
  return OVER[self.state] == true
end

-- ---- What the flow shows ----

local SCREEN = { again = "again", thanks = "ready" }

function SCREEN.qr(sale, data)
  sale.charge, sale.qr = data.charge, assert(data.charge:qr "matrix")
  sale.seconds, sale.deadline = data.seconds, sale.clock() + data.seconds
  return sale.leaving and "closing" or "waiting"
end

function SCREEN.bye(sale)
  return sale.outcome == "timed_out" and "expired" or "cancelled"
end

function SCREEN.sorry(sale)
  if sale.outcome == "refunded" then return "refunded" end
  if sale.outcome == "failed" then return "problem" end
  return sale.paid and "stuck" or "doubt"
end

local function show(sale, view, data)
  local screen = SCREEN[view]
  sale:enter(type(screen) == "function" and screen(sale, data) or screen)
end

local function follow(sale, step)
  sale.outcome = step.outcome
  if step.to == "pay" then sale.leaving = false sale:enter "creating" end
  if step.to == "give_back" then sale:enter "refunding" end
  if sale.state == "waiting" and step.outcome == "expired" then sale:enter "closing" end
end

local function brew(sale)
  if not sale.paid then
    sale.paid = true
    sale:enter "paid"
    pix.sleep(SHOW_PAID)
  end
  sale:enter "brewing"
  return sale.machine.brew(sale.product)
end

-- ---- The customer ----

--- The customer does not want it any more; of use until it is paid. Before there is a code nothing
-- can be paid: the customer may go at once, and the flow sees to the rest.
function Sale:cancel()
  if self.state == "creating" then
    self:enter "cancelled"
    self.gone = true
  elseif self.state == "waiting" then
    self:enter "closing"
  else
    return
  end
  self.leaving = true
  if self.run then self.run:signal "cancel" end
end

--- The answer to the question whether there shall be another code: "yes" or "no".
function Sale:answer(word)
  return self.state == "again" and self.run:answer(word)
end

-- ---- Running ----

local function new(options)
  local sale = setmetatable({ state = "creating" }, Sale)
  for name, value in pairs(options) do sale[name] = value end
  return sale
end

--- What the flow needs of this host: docs/flow.md.
local function host_of(sale)
  return {
    checkout = sale.checkout, alert = sale.alert,
    ui = { show = function(view, data) show(sale, view, data) end },
    perform = { brew = function() return brew(sale) end },
    on_step = function(step) follow(sale, step) end,
  }
end

local last, count = nil, 0

-- The order's number, which the counter is told: also the name of the run.
local function number_of(product)
  local now = os.date "%y%m%d-%H%M%S"
  count = now == last and count + 1 or 1
  last = now
  return ("%s-%s%s"):format(product.id, now, count > 1 and "-" .. count or "")
end

local function run(sale)
  local host = host_of(sale)
  local err
  host.journal, host.id = sale.journal, sale.order
  sale.run, err = sale.flow:run({ total = sale.product.price, order = sale.order }, host)
  if not sale.run then
    io.stderr:write("kiosk: ", tostring(err), "\n")
    return sale:enter "problem"
  end
  if sale.leaving then sale.run:signal "cancel" end
  sale.run:wait()
end

--- Starts a sale.
-- @tparam table options flow, checkout, journal, machine, product, clock = function → seconds,
--   alert = function(message), on_state = function(sale)
function M.start(options)
  local sale = new(options)
  sale.order = number_of(sale.product)
  sale.task = pix.spawn(run, sale)
  return sale
end

--- Goes on with what a power cut has interrupted. May yield.
-- @tparam table options as for M.start; menu instead of product
-- @treturn table|nil the sale, if there was one
function M.resume(options)
  if not options.journal then return nil end
  local sale = new(options)
  local host = host_of(sale)
  host.flows, host.sole = { sale.flow }, true
  local found, err = pix.flow.resume(sale.journal, host)
  if not found then
    io.stderr:write("kiosk: ", tostring(err), "\n")
    return nil
  end
  sale.run = found.runs[1]
  if not sale.run then return nil end
  sale.order = sale.run.id
  for _, product in ipairs(sale.menu) do
    if sale.order:sub(1, #product.id + 1) == product.id .. "-" then sale.product = product end
  end
  return sale.product and sale
end

return M
