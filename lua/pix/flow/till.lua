--- The till: what a run asks of a checkout, of a single provider object, or of a test's scripted
-- shop, in one way.
local charges = require "pix.charge"
local core = require "pix.core"

local M = {}

local Till = {}
Till.__index = Till

local SAVED = { "id", "provider", "status", "raw_status", "amount", "code", "code_kind", "late" }

--- What is kept of a charge in a run: no raw reply, no picture.
function M.saved(charge)
  local kept = {}
  for _, name in ipairs(SAVED) do kept[name] = charge[name] end
  return kept
end

local function without(args, name)
  local copy = {}
  for key, value in pairs(args) do
    if key ~= name then copy[key] = value end
  end
  return copy
end

--- Asks for a payment. May yield.
-- @tparam table ask amount, reference, description, payer
function Till:charge(ask)
  if self.keeps_orders then return self.shop:charge(ask) end
  return self.shop:charge(without(ask, "reference"))
end

--- Begins a subscription by card. May yield.
function Till:subscribe(ask, card)
  local args = without(ask, self.keeps_orders and "" or "reference")
  args.card = card
  return self.shop:subscribe(args)
end

-- The charge as the checkout's journal has it: one that is over stays so, and is not made anew.
local function of_checkout(shop, saved)
  local row, err = shop:_row_of(saved)
  if not row then return nil, err end
  return shop:_charge_of(row)
end

--- A charge object of what was saved of it. May yield.
function Till:revive(record)
  if not record.charge then return nil end
  if self.watches and self.durable then return of_checkout(self.shop, record.charge) end
  if self.shop.revive then return self.shop:revive(record.charge) end
  return charges.rebuild(record.charge, not self.keeps_orders and self.shop or nil)
end

-- A checkout knows the names of its providers, a provider its own.
local function names_of(shop)
  if type(shop) == "table" and shop._settings then return shop._settings.names end
  if shop.name then return { shop:name() } end
end

--- The till of a shop.
-- @param shop a checkout, a provider object, or a table with `charge`
-- @treturn table { keeps_orders = the same reference gives the same charge, durable = also after
--   a crash, names = { providers } or nil }
function M.of(shop)
  local is_checkout = type(shop) == "table" and type(shop._row_of) == "function"
  local store = is_checkout and shop._store
  return setmetatable({ shop = shop, keeps_orders = is_checkout or shop.revive ~= nil,
    durable = shop.durable == true or store and store:name() ~= "memory" or false,
    watches = is_checkout, names = names_of(shop) }, Till)
end

--- Is every provider of the shop among those that the flow names?
-- @treturn boolean|nil true, or nil and an error of kind "config"
function M.fits(till, graph)
  if not graph.providers or not till.names then return true end
  local named = {}
  for _, name in ipairs(graph.providers) do named[name] = true end
  for _, name in ipairs(till.names) do
    if not named[name] then
      return nil, core.error { kind = "config", sent = "no", operation = "flow",
        message = ("flow %s is proved for the providers %s, and the checkout has %s"):format(
          graph.name, table.concat(graph.providers, ", "), name),
        hint = "name it in the flow's providers = {…}; the flow is proved anew" }
    end
  end
  return true
end

return M
