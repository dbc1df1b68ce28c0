--- What the processes of the crash specs share: a checkout at the sandbox, its orders, and a file
-- of the events that a program was told.
local pix = require "pix"
local shops = require "spec.support.shop"

local M = {}

M.WORKER = "shop-1" -- the same after each start

--- A provider of a sandbox.
-- @tparam string name
-- @tparam string base_url
-- @tparam table credentials
function M.provider(name, base_url, credentials)
  local options = { base_url = base_url, timeout = 10 }
  for key, value in pairs(credentials) do
    options[key] = value
  end
  if name == "payzu" then options.webhook_url = "http://127.0.0.1:9/none" end
  return assert(pix.provider(name, options))
end

--- @tparam table providers
-- @tparam string where the journal
-- @tparam function on_event
-- @tparam[opt] string worker
function M.open(providers, where, on_event, worker)
  local options = { journal = where, worker = worker or M.WORKER, on_event = on_event,
    expires_in = 7 * 86400, retry = { base = 0.01, cap = 0.05 }, log = function() end,
    -- Rounds do not wait for a breaker, which a machine that is held up may open.
    budget = {}, breaker = { faults = 1000000 } }
  for i, provider in ipairs(providers) do
    options[i] = provider
    options.budget[provider:name()] = { polls_per_minute = 100000, polls_at_once = 32 }
  end
  if #providers > 1 then options.select = "round_robin" end
  return assert(pix.checkout(options))
end

--- The arguments of an order: each has an amount of its own, by which the ledger knows it.
function M.order(reference, amount)
  return shops.order(reference, { amount = amount })
end

--- The charges of an amount in a sandbox's ledger.
function M.charges(sandbox, amount)
  local list = {}
  for _, charge in ipairs(sandbox.ledger().charges) do
    if charge.amount == amount then list[#list + 1] = charge end
  end
  return list
end

--- The arguments of a subscription.
function M.subscription(reference)
  return { plan = "PLAN123", reference = reference, payer = shops.PAYER, card = assert(pix.card {
    number = "4111111111111111", cvv = "123", expiry = "12/2099", holder = "MARIA SILVA" }) }
end

--- An on_event that appends to a file: "id type reference provider needs_person".
function M.teller(path)
  return function(event)
    local file = assert(io.open(path, "a"))
    file:write(("%s %s %s %s %s\n"):format(event.id, event.type, event.reference, event.provider,
      tostring(event.needs_person or false)))
    file:close()
  end
end

--- What tellers have written: a list of { id, type, reference, provider, needs_person }.
function M.told(path)
  local list = {}
  local file = io.open(path)
  if not file then return list end
  for line in file:lines() do
    local id, kind, reference, provider, person = line:match("(%S+) (%S+) (%S+) (%S+) (%S+)")
    if person then -- a line that was cut off was not told
      list[#list + 1] = { id = id, type = kind, reference = reference, provider = provider,
        needs_person = person == "true" }
    end
  end
  file:close()
  return list
end

--- Number, reference and amount of a busy run's orders.
function M.reference(number)
  return "order-" .. number
end

function M.amount(number)
  return 1000 + number
end

--- What busy.lua has written: numbers that were begun, and ended; and what was shown, a list of
-- { reference, id }.
function M.orders(path)
  local orders = { begun = {}, ended = {}, shown = {} }
  local file = io.open(path)
  if not file then return orders end
  for line in file:lines() do
    local what, number, id = line:match("^(%a+) (%d+) (%S+)$")
    number = tonumber(number)
    if what == "shown" then
      table.insert(orders.shown, { reference = M.reference(number), id = id })
    else
      orders[what][number] = true
    end
  end
  file:close()
  return orders
end

--- Numbers by chance, the same for a seed on both VMs: draw(most) is from 1 to `most`.
function M.generator(seed)
  local state = seed * 7919 + 17
  return function(most)
    state = (state * 69069 + 1) % 4294967296
    return math.floor(state / 65536) % most + 1
  end
end

return M
