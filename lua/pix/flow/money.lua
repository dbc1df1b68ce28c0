--- The money of one charge on its way through a flow: an automaton of eight states. Pure.
--
-- DESIGN: what a charge's state becomes depends on the charge alone, and no rule needs the states
-- of two charges at once. So each charge is followed through the graph by itself, and the work
-- grows with states × charges, not with their power. Whether something may be delivered depends on
-- several charges: that is followed by a second automaton, of one bit, *credit*: a payment has come
-- after the last delivery and the last refund.
local M = {}

-- The states. `unsure`: it may have been paid, nobody knows. `told`: paid, and in the hands of a
-- person; `unsure_told`: the same of one that may have been paid. `owed`: it was to be paid back,
-- and that has not surely worked.
M.NONE, M.OPEN, M.UNSURE, M.PAID = 1, 2, 3, 4
M.DELIVERED, M.TOLD, M.UNSURE_TOLD, M.OWED = 5, 6, 7, 8

M.words = { "none", "open", "unsure", "paid", "delivered", "told", "unsure_told", "owed" }

local NONE, OPEN, UNSURE, PAID = M.NONE, M.OPEN, M.UNSURE, M.PAID
local DELIVERED, TOLD, UNSURE_TOLD, OWED = M.DELIVERED, M.TOLD, M.UNSURE_TOLD, M.OWED

-- ---- What may not be entered ----

local PAYABLE = { [OPEN] = "second_open", [UNSURE] = "second_unsure",
  [UNSURE_TOLD] = "second_unsure" }
local AGAIN = { [OPEN] = "second_open", [UNSURE] = "second_unsure",
  [UNSURE_TOLD] = "second_unsure", [PAID] = "dropped", [OWED] = "dropped" }
local AT_END = { [OPEN] = "left_open", [UNSURE] = "left_unsure", [PAID] = "kept",
  [OWED] = "not_refunded" }
local CAN_WAIT = { [OPEN] = true, [UNSURE] = true, [UNSURE_TOLD] = true }
local CAN_REFUND = { [PAID] = true, [TOLD] = true, [DELIVERED] = true, [OWED] = true }

local function enter_refund(money, refundable)
  if refundable == "none" then return "refund_never" end
  if not CAN_REFUND[money] then return "refund_unpaid" end
  if money == OWED and refundable ~= "all" then return "refund_again" end
end

--- The rule that is broken by coming to a node with a charge's money in this state, or nil.
-- @tparam table node
-- @tparam string charge name of the node that makes the charge
-- @tparam number money
-- @tparam string refundable "all", "some", "none": who of those it may have gone to can refund
function M.enter(node, charge, money, refundable)
  local verb = node.verb
  if verb == "charge" or verb == "subscribe" then
    return (node.name == charge and AGAIN or PAYABLE)[money]
  elseif verb == "done" or verb == "fail" then
    return AT_END[money]
  elseif node.args.of ~= charge then
    return nil
  elseif verb == "cancel" or verb == "wait" then
    return not CAN_WAIT[money] and (verb == "wait" and "wait_nothing" or "cancel_nothing") or nil
  elseif verb == "refund" then
    return enter_refund(money, refundable)
  end
end

-- ---- What an outcome makes of it ----

local MADE = { paid = PAID, subscribed = PAID, made = OPEN, unknown = UNSURE }
local HANDED = { [PAID] = TOLD, [OWED] = TOLD, [UNSURE] = UNSURE_TOLD }

local function after_cancel(money, outcome)
  if outcome == "paid" then return PAID end
  if outcome == "cancelled" then return NONE end
  return money == UNSURE_TOLD and money or UNSURE
end

local function after_wait(money, outcome, signal)
  if signal or outcome == "timed_out" then return money end
  return outcome == "paid" and PAID or NONE
end

local function concerns(node, charge)
  local of = node.args.of
  if of == nil or of == charge then return true end
  if type(of) ~= "table" then return false end
  for _, name in ipairs(of) do
    if name == charge then return true end
  end
  return false
end
M.concerns = concerns

local AFTER = {}

function AFTER.charge(node, edge, charge, money)
  if node.name ~= charge then return money end
  return not edge.signal and MADE[edge.outcome] or NONE
end
AFTER.subscribe = AFTER.charge

function AFTER.alert(node, _, charge, money)
  return concerns(node, charge) and HANDED[money] or money
end

function AFTER.perform(node, edge, charge, money)
  local delivered = node.args.delivers and edge.outcome == "ok" and money == PAID
  return delivered and concerns(node, charge) and DELIVERED or money
end

function AFTER.cancel(node, edge, charge, money)
  return node.args.of == charge and after_cancel(money, edge.outcome) or money
end

function AFTER.wait(node, edge, charge, money)
  return node.args.of == charge and after_wait(money, edge.outcome, edge.signal) or money
end

function AFTER.refund(node, edge, charge, money)
  if node.args.of ~= charge then return money end
  return edge.outcome == "refunded" and NONE or OWED
end

--- The state of a charge's money after an outcome of a node.
function M.leave(node, edge, charge, money)
  local after = AFTER[node.verb]
  return after and after(node, edge, charge, money) or money
end

-- ---- Credit ----

local function overlap(node, group)
  for _, name in ipairs(group.charges) do
    if concerns(node, name) then return true end
  end
  return false
end

--- The rule that is broken by coming to a node without credit, or nil.
-- @tparam table node
-- @tparam table group { key =, charges = { names }, has = { name → true } }
-- @tparam boolean credit
function M.enter_credit(node, group, credit)
  if node.group == group.key and not credit then return "unpaid_delivery" end
end

-- Which charge an outcome tells to be paid, or nil.
local function paid_charge(node, edge)
  if edge.signal or edge.outcome ~= "paid" and edge.outcome ~= "subscribed" then return nil end
  if node.verb == "charge" or node.verb == "subscribe" then return node.name end
  return (node.verb == "wait" or node.verb == "cancel") and node.args.of or nil
end

--- Is there credit after an outcome of a node?
function M.leave_credit(node, edge, group, credit)
  local paid = paid_charge(node, edge)
  if paid and group.has[paid] then return true end
  if node.verb == "refund" and group.has[node.args.of] then return false end
  if node.verb == "perform" and node.args.delivers and edge.outcome == "ok" and overlap(node, group)
  then
    return false
  end
  return credit
end

return M
