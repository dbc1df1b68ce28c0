--- What became of an operation whose outcome is not known: evidence, or nothing (G4).
--
-- A charge of a provider that can list is looked for by date, amount and, where the list tells it,
-- tax id. Found: its code was never shown, so it becomes an orphan that is watched, and the order
-- may go on. Not there in two lists a minute apart: it was not made. A provider that cannot list
-- needs a person, or a webhook.
--
-- What is found could belong to another operation of the same provider, amount and time that has
-- no outcome yet. While one of these is in flight, its answer is waited for. Those of other orders
-- make it a person's matter. Several of the same order, none of which ever showed a code, are
-- paired with what was found by age: which has which is the same to everybody.
local core = require "pix.core"
local settle = require "pix.checkout.settle"

local M = {}

local BEFORE, AFTER = 60, 120 -- seconds around the request within which the charge was made
local SETTLED = 60 -- seconds after which a list is taken for complete
local DIGITS = "[%.%-/ ]"

local function wall()
  return core.reactor():wall()
end

--- Can the outcome be found out without a person?
function M.possible(provider, row)
  if row.kind == "charge" then return provider:supports "search" end
  return row.kind == "cancel" or row.kind == "refund"
end

local function created_at(item)
  local text = item.created_at or (type(item.raw) == "table" and item.raw.created_at)
  return type(text) == "string" and core.date_parse(text) or nil
end

local function tax_id_of(item)
  local raw = type(item.raw) == "table" and item.raw or {}
  local text = raw.identification or raw.document
  return type(text) == "string" and text:gsub(DIGITS, "") or nil
end

local function fits(item, row, tax_id)
  if not item.id or item.amount ~= row.amount then return false end
  local at, theirs = created_at(item), tax_id_of(item)
  if at and (at < row.created - BEFORE or at > row.created + AFTER) then return false end
  return not (tax_id and theirs and theirs ~= tax_id)
end

local function by_age(a, b)
  if a.created ~= b.created then return a.created < b.created end
  return a.id < b.id
end

-- Items that fit and that no other operation has: { id, created, item }, the oldest first.
local function candidates(shop, row, list, tax_id)
  local found = {}
  for _, item in ipairs(list) do
    if fits(item, row, tax_id) then
      local known, err = shop._store:by_charge(row.provider, item.id)
      if err then return nil, err end
      if not known then
        found[#found + 1] = { id = item.id, created = created_at(item) or 0, item = item }
      end
    end
  end
  table.sort(found, by_age)
  return found
end

-- One whose lease is over is not in flight any more: it will be unknown.
local function add_rival(all, row, other)
  if other.state ~= "unknown" and (other.lease or math.huge) > wall() then
    all.in_flight = true
  elseif other.reference == row.reference then
    table.insert(all.own, other)
  else
    all.foreign = true
  end
end

-- Operations without an outcome that may have what was found: those of this order, oldest first
-- (this one among them); is there one of another order; is there one in flight?
local function rivals(shop, row)
  local list, err = shop._store:undecided { kind = "charge", provider = row.provider,
    amount = row.amount, from = row.created - BEFORE - AFTER, to = row.created + BEFORE + AFTER }
  if not list then return nil, err end
  local all = { own = {}, foreign = false, in_flight = false }
  for _, other in ipairs(list) do
    add_rival(all, row, other)
  end
  return all
end

-- The one of what was found that is this operation's: nil while an older one of the order has yet
-- to be given its own.
local function share(row, own, found)
  for place, other in ipairs(own) do
    if other.id == row.id then return found[place] and found[place].item end
  end
end

-- One transaction: there is never an orphan that lacks the charge it was made for.
local function adopt(shop, row, item)
  local ok, err = shop:_heard(row, {
    status = item.status ~= "unknown" and item.status or "pending", raw_status = item.raw_status,
    charge_id = item.id, orphan = true, due = wall(),
  })
  if not ok then return nil, err end
  return "found"
end

-- Absence is believed after the second list.
local function absent(shop, row)
  local now, first = wall(), shop._absent[row.id]
  if now < row.created + SETTLED then return "open" end
  if not first then
    shop._absent[row.id] = now
    return "open"
  end
  if now < first + SETTLED then return "open" end
  shop._absent[row.id] = nil
  local ok, err = shop._store:failed(row.id, { now = now })
  if not ok then return nil, err end
  return "absent"
end

local function charge(shop, row, options)
  local provider = shop._providers[row.provider]
  if not provider:supports "search" then return "open" end
  local list, err = shop._guard:read(row.provider, "search",
    { from = row.created - BEFORE, to = wall() + BEFORE }, options)
  if not list then return nil, err end
  -- In this order: whose answer comes meanwhile is still in flight, or its charge is known.
  local others, found
  others, err = rivals(shop, row)
  if not others then return nil, err end
  found, err = candidates(shop, row, list, options.tax_id)
  if not found then return nil, err end
  if #found == 0 then return absent(shop, row) end
  shop._absent[row.id] = nil
  if others.in_flight then return "open" end
  if others.foreign or #found > #others.own then return "ambiguous" end
  local item = share(row, others.own, found)
  if not item then return "open" end
  return adopt(shop, row, item)
end

-- A cancel or refund: the charge's status tells. Its operation's reference is the charge's.
local function settled(shop, row, options)
  local subject, err = shop._store:get(row.reference)
  if not subject then return nil, err end
  local heard
  heard, err = shop._guard:read(row.provider, "status",
    { id = subject.charge_id, amount = subject.amount }, options)
  if not heard then return nil, err end
  shop:_heard(subject, heard)
  if heard.status == settle.GOAL[row.kind] then
    local ok, problem = shop._store:answered(row.id, { now = wall(),
      charge = { status = heard.status } })
    if not ok then return nil, problem end
    return "found"
  end
  if wall() < row.created + SETTLED then return "open" end
  local ok, problem = shop._store:failed(row.id, { now = wall() })
  if not ok then return nil, problem end
  return "absent"
end

--- Looks for evidence. May yield.
-- @tparam table shop
-- @tparam table row the operation, of state "unknown"
-- @tparam[opt] table options deadline, lane; tax_id = digits of the payer's
-- @treturn string|nil "found", "absent", "ambiguous" (a person must look), "open" (nothing is known
--   yet); or nil and an error
function M.look(shop, row, options)
  options = options or {}
  local outcome, err
  if row.kind == "charge" then
    outcome, err = charge(shop, row, options)
  elseif row.kind == "cancel" or row.kind == "refund" then
    outcome, err = settled(shop, row, options)
  else
    outcome = "open"
  end
  if outcome and outcome ~= "open" then shop:_tell() end
  return outcome, err
end

return M
