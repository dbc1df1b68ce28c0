--- The soak's checkout: three providers, a journal in SQLite, orders that are charged, repeated,
-- paid, cancelled, refunded and waited for; and what its journal must agree about with the ledger.
local pix = require "pix"
local direct = require "bench.soak.direct"
local judge = require "spec.crash.judge"
local shops = require "spec.support.shop"

local M = {}

local FILE = "build/soak/pix.db"
local ENDINGS = { "", "-wal", "-shm" }
local WORKER = "soak"

local function remove_file()
  for _, ending in ipairs(ENDINGS) do
    os.remove(FILE .. ending)
  end
end

--- Opens the shop of a round, with a fresh journal.
function M.open(world)
  remove_file()
  world.told, world.shown, world.orders = {}, {}, 0
  local options = { journal = FILE, worker = WORKER, select = "round_robin", deadline = 5,
    expires_in = 7 * 86400, retry = { base = 0.01, cap = 0.05 }, log = function() end,
    breaker = { failures = 1000 }, budget = {},
    on_event = function(event)
      world.told[#world.told + 1] = { id = event.id, type = event.type,
        reference = event.reference }
    end }
  for i, name in ipairs { "ssg", "detseg", "payzu" } do
    options[i] = world.providers[name]
    options.budget[name] = { polls_per_minute = 100000, polls_at_once = 32 }
  end
  world.shop = assert(pix.checkout(options))
end

function M.close(world)
  world.shop:close()
  world.shop = nil
  remove_file()
end

local function show(world, charge)
  if not (charge and charge.code) then return end
  table.insert(world.shown, { reference = charge.reference, id = charge.id })
end

local function go_on(world, charge, args)
  local step = world.draw(8)
  if step <= 3 then world.sandbox.pay(charge.id) end
  if step == 1 then
    charge:wait { timeout = 0.2 }
  elseif step == 2 then
    if charge:refresh() == "paid" then charge:refund() end
  elseif step == 4 then
    charge:cancel()
  elseif step == 5 then
    local again = world.shop:charge(args)
    show(world, again)
    world:check(not again or again.id == charge.id, "%s has another charge", args.reference)
  else
    charge:refresh()
  end
end

--- One order, and what may follow. May yield.
function M.order(world)
  local args = shops.order("order-" .. world.orders, { amount = world:amount(true) })
  world.orders = world.orders + 1
  local charge, err = world.shop:charge(args)
  if not charge then return direct.verdict(err) end
  world:check(charge.amount == args.amount, "%s is of %d", charge.id, charge.amount)
  show(world, charge)
  go_on(world, charge, args)
  return "made"
end

--- An order whose task is told to end in some moment. May yield.
function M.interrupted(world)
  local task = pix.spawn(M.order, world)
  pix.sleep(world.draw(30) / 1000)
  task:cancel()
  return task:await()
end

--- A subscription in the shop. May yield.
function M.subscribe(world)
  local reference = "subscription-" .. world.orders
  world.orders = world.orders + 1
  local made, err = world.shop:subscribe { plan = "PLAN123", reference = reference,
    payer = shops.PAYER, card = assert(pix.card { number = "4111111111111111", cvv = "123",
      expiry = "12/2099", holder = "MARIA SILVA" }) }
  local told = made and "made" or direct.verdict(err)
  world:subscribed(told, made and made.id)
  return told
end

--- Takes the webhooks since the last time: the genuine ones to the shop. May yield.
function M.webhooks(world)
  local secret = world.sandbox.credentials.payzu.webhook_secret
  for _, hook in ipairs(world.sandbox.webhooks()) do
    if hook.n > world.hooks then
      world.hooks = hook.n
      local event, err = pix.webhook.verify(hook.body, hook.signature, { "an older one", secret })
      world:check(event and event.id == hook.id, "a webhook was refused: %s", tostring(err))
      local forged = pix.webhook.verify(hook.body .. " ", hook.signature, secret)
      world:check(not forged, "a forged webhook was taken")
      if event then world.shop:webhook(event) end
    end
  end
  return "made"
end

-- Without a person and without the minute after which absence is believed, these stay unknown.
local function may_stay(world, charges)
  local made, status = {}, {}
  for _, charge in ipairs(charges) do
    made[charge.amount], status[charge.id] = true, charge.status
  end
  return function(row)
    if row.kind == "charge" then return row.provider ~= "detseg" or not made[row.amount] end
    if row.kind == "subscribe" then return true end
    local subject = world.shop._store:get(row.reference)
    return status[subject.charge_id] ~= (row.kind == "cancel" and "cancelled" or "refunded")
  end
end

local function all_rows(shop)
  local rows = {}
  assert(shop._store:export(function(row) rows[#rows + 1] = row end))
  return rows
end

local function hold(world, rule, wrong)
  world:check(#wrong == 0, "%s: %s", rule, table.concat(wrong, "; ", 1, math.min(#wrong, 5)))
end

-- What the callers could not see for faults is looked at once more.
local function look_at_payments(world, charges)
  local late = {}
  for _, charge in ipairs(charges) do
    local row = world.shop._store:by_charge(charge.provider, charge.id)
    local moved = charge.status == "paid" or charge.status == "refunded"
    if row and moved and row.status ~= charge.status then late[#late + 1] = row end
  end
  for _, row in ipairs(late) do
    local status, err = world.shop:status { provider = row.provider, id = row.charge_id }
    world:check(status, "%s could not be looked at: %s", row.charge_id, tostring(err))
  end
end

-- Events are told by a task of their own.
local function let_tell(shop)
  shop:_tell()
  while shop._events._busy do
    pix.sleep(0.01)
  end
end

--- After a round, under a clear sky: recovers, looks, and holds the journal against the ledger.
-- May yield.
-- @tparam table world
-- @tparam table charges the ledger's, those of this shop
function M.judge(world, charges)
  world:check(world.shop:recover { sole = true }, "recovery failed")
  look_at_payments(world, charges)
  let_tell(world.shop)
  local rows = all_rows(world.shop)
  hold(world, "unknown", judge.unknowns(rows, charges, world.told, may_stay(world, charges)))
  hold(world, "charges", judge.charges(charges, rows))
  hold(world, "payments", judge.payments(charges, rows))
  hold(world, "fulfilments", judge.fulfilments(rows, world.told))
  hold(world, "codes", judge.codes(world.shown, charges))
end

return M
