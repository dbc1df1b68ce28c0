--- The soak's callers of single providers, and what they were told. A record keeps what its caller
-- may believe: whether the charge was made ("made", "none", "unknown"), and the statuses that it
-- may have. Each charge has an amount of its own in a round, by which the ledger knows it.
local pix = require "pix"
local shops = require "spec.support.shop"

local M = {}

local NAMES = { "ssg", "detseg", "payzu" }
local GOAL = { cancel = { "pending", "cancelled" }, refund = { "paid", "refunded" } }

--- What an error says of the money.
-- @treturn string "none" (refused, or never sent) or "unknown"
function M.verdict(err)
  if err.sent == "no" then return "none" end
  return err.sent == "yes" and err.kind ~= "mismatch" and "none" or "unknown"
end

local function card()
  return assert(pix.card { number = "4111111111111111", cvv = "123", expiry = "12/2099",
    holder = "MARIA SILVA" })
end

-- A future that is cancelled in some moment, waited for with too little patience, or just waited
-- for.
local function call(world, provider, operation, args)
  local way = world.draw(10)
  if way > 2 then return provider[operation](provider, args) end
  local future = provider:start(operation, args)
  if way == 1 then
    pix.sleep(world.draw(20) / 1000)
    future:cancel()
  else
    pix.await(future, world.draw(20) / 1000)
  end
  return pix.await(future)
end

local function settle(world, provider, record, operation)
  local from, to = GOAL[operation][1], GOAL[operation][2]
  local value, err = call(world, provider, operation, record.charge)
  if value then
    world:check(value.status == to, "%s of %s gave %s", operation, record.charge.id, value.status)
    record.may = { [to] = true }
  elseif M.verdict(err) == "unknown" and record.may[from] then
    record.may[to] = true
  end
end

local function look(world, provider, record)
  local value = call(world, provider, "status", record.charge)
  if not value then return end
  world:check(record.may[value.status], "%s is said to be %s", record.charge.id, value.status)
end

local function go_on(world, provider, record)
  local step = world.draw(6)
  if step <= 2 then
    world.sandbox.pay(record.charge.id)
    record.may = { paid = true }
  elseif step == 3 and provider:supports "cancel" then
    settle(world, provider, record, "cancel")
  end
  look(world, provider, record)
  if step == 1 and provider:supports "refund" then
    settle(world, provider, record, "refund")
    look(world, provider, record)
  end
end

--- One charge at some provider, and what may follow. May yield.
function M.charge(world)
  local name = NAMES[world.draw(#NAMES)]
  local provider = world.providers[name]
  local record = { amount = world:amount(), provider = name }
  world.records[#world.records + 1] = record
  local args = { amount = record.amount, description = "Café", payer = shops.PAYER,
    timeout = world.draw(5) == 1 and world.draw(100) / 1000 or nil }
  local charge, err = call(world, provider, "charge", args)
  if not charge then
    record.told = M.verdict(err)
    return record.told
  end
  world:check(charge.amount == record.amount, "%s is of %d", charge.id, charge.amount)
  record.told, record.charge, record.may = "made", charge, { pending = true }
  go_on(world, provider, record)
  return "made"
end

--- A subscription by card. May yield.
function M.subscribe(world)
  local made, err = call(world, world.providers.payzu, "subscribe", { plan = "PLAN123",
    payer = shops.PAYER, card = card(), trial = world.draw(2) == 1 })
  local told = made and "made" or M.verdict(err)
  world:subscribed(told, made and made.id)
  return told
end

--- A list of what there is, which must name no charge twice. May yield.
function M.search(world)
  local now = world.wall()
  local list = call(world, world.providers.detseg, "search", { from = now - 60, to = now + 60 })
  local seen = {}
  for _, item in ipairs(list or {}) do
    world:check(not (item.id and seen[item.id]), "%s is listed twice", tostring(item.id))
    if item.id then seen[item.id] = true end
  end
  return list and "made" or "none"
end

--- Holds the records against the ledger.
-- @tparam table world
-- @tparam table charges the ledger's, those of these callers
function M.judge(world, charges)
  local by_amount = {}
  for _, charge in ipairs(charges) do
    world:check(not by_amount[charge.amount], "R$ %d were charged twice", charge.amount)
    by_amount[charge.amount] = charge
  end
  for _, record in ipairs(world.records) do
    local charge = by_amount[record.amount]
    if record.told == "made" then
      world:check(charge and charge.id == record.charge.id, "%s is not in the ledger",
        record.charge.id)
      world:check(charge and record.may[charge.status], "%s is %s, which its caller excludes",
        record.charge.id, charge and charge.status)
    else
      world:check(record.told == "unknown" or not charge, "a charge of %d at %s was denied",
        record.amount, record.provider)
    end
    by_amount[record.amount] = nil
  end
  for amount in pairs(by_amount) do
    world:check(false, "nobody asked for a charge of %d", amount)
  end
end

return M
