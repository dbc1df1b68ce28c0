--- One order, from its intent to a charge, a refusal, or a clear "it is not known".
--
-- DESIGN: the journal holds one operation per provider that is asked. Its intent is durable before
-- the first byte leaves (G1); it ends as answered, failed (surely nothing was done) or unknown. A
-- repetition at the same provider, allowed only when surely nothing was done, stays the same
-- operation; another provider is another operation, which takes the order over (G7).
local busy = require "pix.checkout.busy"
local core = require "pix.core"
local metrics = require "pix.metrics"
local retry = require "pix.retry"

local M = {}

local FIRST_LOOK = 3 -- seconds until a charge is due for the watcher
local FIRST_SEARCH = 10 -- seconds until an unknown outcome is looked into
local LEASE_MARGIN = 30
local PATIENT = 2 -- seconds of Retry-After that are waited for although others could be asked
local MOST_ORPHANS = 2

local function wall()
  return core.reactor():wall()
end

local function now()
  return core.reactor():now()
end

-- ---- Errors ----

local HINTS = {
  unknown = "the charge may exist: do not charge this order in another way; repeat shop:charge "
    .. "with the same reference later, or let shop:recover() find out",
  capture = "the card may have been charged: never repeat it; ask the provider, then "
    .. "`pix journal resolve`",
}

local function finish_error(order, err)
  err.attempts = order.attempts
  err.reference = order.reference
  if err.sent == "maybe" then err.hint = order.kind == "subscribe" and HINTS.capture
    or HINTS.unknown end
  metrics.count("pix_orders_total", err.provider, order.kind,
    err.sent == "maybe" and "unknown" or err.kind)
  return nil, err
end

local function nobody(order, plan)
  local parts, wait = {}, nil
  for name, reason in pairs(plan.out) do
    parts[#parts + 1] = name .. ": " .. reason
    wait = wait or reason:find("breaker", 1, true)
  end
  table.sort(parts)
  return core.error {
    kind = wait and "unavailable" or "unsupported", code = wait and "breaker" or nil, sent = "no",
    operation = order.kind, attempts = 0,
    message = "no provider can take this order (" .. table.concat(parts, "; ") .. ")",
    hint = wait and "wait until a provider has recovered"
      or "give the checkout a provider that can",
  }
end

local function still_unknown(order, row)
  return core.error {
    kind = "conflict", code = "unknown", sent = "maybe", provider = row.provider,
    operation = order.kind, reference = order.reference, attempts = 0,
    message = ("an earlier try of %s ended without an answer, and it is not known yet whether the "
      .. "charge exists"):format(order.reference),
    hint = order.kind == "subscribe" and HINTS.capture or HINTS.unknown,
  }
end

-- ---- The record ----

local function intent_of(order, provider, previous)
  return {
    reference = order.reference, kind = order.kind, provider = provider, amount = order.amount,
    params = order.params, now = wall(), previous = previous,
    lease = math.max(0, order.deadline - now()) + LEASE_MARGIN,
  }
end

local function facts_of(row, err, due)
  return {
    now = wall(), fence = row.fence, due = due,
    data = err and { error_kind = err.kind, error_code = err.code, sent = err.sent,
      http_status = err.http_status, note = err.message } or nil,
  }
end

-- What could not be written when the answer came is written at the next occasion.
local function answered(shop, row, facts)
  local done, err = shop._store:answered(row.id, facts)
  if done then return true end
  if err.kind == "journal" then shop._unwritten[row.id] = facts end
  return nil, core.error {
    kind = "journal", code = err.code, sent = "maybe", provider = row.provider,
    operation = row.kind, message = "the charge was made, and the journal could not record it: "
      .. err.message, hint = "its code was not given out; mend the journal and repeat shop:charge",
  }
end

-- ---- Outcomes ----

local function made(shop, order, row, value)
  local status = value.status or "pending"
  local ok, err = answered(shop, row, {
    now = wall(), fence = row.fence,
    due = order.kind == "charge" and wall() + FIRST_LOOK or nil,
    charge = { id = value.id, code = value.code, code_kind = value.code_kind, status = status,
      amount = value.amount, expires = wall() + order.expires_in },
    data = { raw_status = value.raw_status, attempt = order.attempts },
  })
  if not ok then return finish_error(order, err) end
  metrics.count("pix_orders_total", row.provider, order.kind, "made")
  local result = shop:_adopt(value, row, order.attempts)
  shop:_tell()
  return result
end

-- A charge exists whose code must not be shown (another amount, not readable): it is watched.
local function unusable(shop, order, row, err)
  local facts = facts_of(row, err, wall() + FIRST_LOOK)
  facts.status, facts.charge_id, facts.orphan = "pending", err.id, true
  local ok, problem = shop._store:status(row.id, facts)
  if not ok then return nil, problem end
  shop:_tell()
  return finish_error(order, err)
end

local function unknown(shop, order, row, err)
  local due = shop:_can_resolve(row) and wall() + FIRST_SEARCH or nil
  local ok, problem = shop._store:unknown(row.id, facts_of(row, err, due))
  shop:_tell()
  if not ok and problem.kind == "journal" then
    err.message = err.message .. " (and the journal: " .. problem.message .. ")"
  end
  return finish_error(order, err)
end

local function failed(shop, order, row, err)
  local ok, problem = shop._store:failed(row.id, facts_of(row, err))
  shop:_tell()
  if not ok then return nil, problem end
  return finish_error(order, err)
end

-- The next provider of the plan that was not asked yet.
local function next_provider(order)
  for _, name in ipairs(order.plan.order) do
    if not order.asked[name] then return name end
  end
end

local function go_on(shop, order, row, provider)
  order.asked[provider] = true
  metrics.count("pix_failovers_total", provider, order.kind)
  return shop._store:attempt(intent_of(order, provider, row.id))
end

local function fail_over(shop, order, row, err)
  local provider = next_provider(order)
  if not provider or order.deadline - now() <= 0 then return nil end
  local ok, problem = shop._store:failed(row.id, facts_of(row, err))
  if not ok then return nil, problem end
  shop:_log { level = "warn", event = "failover", reference = order.reference,
    provider = provider, operation = order.kind, message = "after " .. err.kind }
  return go_on(shop, order, row, provider)
end

-- on_unknown = "orphan": the possible charge stays watched, its code was never shown, and the order
-- goes on. Captures never.
local function abandon(shop, order, row, err)
  if order.on_unknown ~= "orphan" or order.kind ~= "charge" then return nil end
  if (order.orphans or 0) >= MOST_ORPHANS or order.deadline - now() <= 0 then return nil end
  order.orphans = (order.orphans or 0) + 1
  local due = wall() + FIRST_SEARCH
  local ok, problem = shop._store:unknown(row.id, facts_of(row, err, due))
  if ok then ok, problem = shop._store:orphan(row.id, facts_of(row, nil, due)) end
  if not ok then return nil, problem end
  return go_on(shop, order, row, next_provider(order) or row.provider)
end

-- ---- Tries ----

-- Would rather ask another provider than wait long for this one.
local function impatient(order, err, delay)
  return err.code == "breaker" or (err.kind == "rate_limited" and delay > PATIENT
    and next_provider(order) ~= nil)
end

-- One provider, as often as is allowed. Returns the value, or nil and the last error.
local function ask(shop, order, row)
  local class, tries = retry.CLASS[order.kind], 0
  while true do
    tries, order.attempts = tries + 1, order.attempts + 1
    local value, err = shop._guard:call(row.provider, order.kind, order.args,
      { deadline = order.deadline })
    if value then return value end
    err.request_id = row.id
    local verdict, delay = shop._guard:decide(class, err, tries, order.deadline)
    if verdict ~= "repeat" or impatient(order, err, delay) then return nil, err end
    local ok, cancelled = shop._guard:pause(row.provider, order.kind, delay)
    if not ok then
      cancelled.sent = "no"
      return nil, cancelled
    end
  end
end

-- What is done with an error: the next operation of the order; or nil, nil, error.
local function after_error(shop, order, row, err)
  if err.sent == "maybe" then
    local new, problem = abandon(shop, order, row, err)
    if new then return new end
    if problem then return nil, problem end
    return nil, select(2, unknown(shop, order, row, err))
  end
  if err.id and err.sent == "yes" and order.kind == "charge" then
    return nil, select(2, unusable(shop, order, row, err))
  end
  if retry.may_fail_over(err) then
    local new, problem = fail_over(shop, order, row, err)
    if new then return new end
    if problem then return nil, problem end
  end
  return nil, select(2, failed(shop, order, row, err))
end

local function work(shop, order, row)
  while true do
    local value, err = ask(shop, order, row)
    if value then return made(shop, order, row, value) end
    row, err = after_error(shop, order, row, err)
    if not row then return nil, err end
  end
end

-- ---- The same reference again ----

-- An order is paid by whichever of its charges was: an earlier one may be, late.
local function paid_already(shop, order)
  local list, err = shop._store:by_reference(order.reference)
  if not list then return nil, err end
  for _, row in ipairs(list) do
    if row.kind == order.kind and (row.status == "paid" or row.status == "refunded") then
      return row
    end
  end
end

local function take_over(shop, order, row)
  local paid, problem = paid_already(shop, order)
  if paid then return shop:_charge_of(paid) end
  if problem then return nil, problem end
  local provider = order.plan.order[1]
  if not provider then return nil, nobody(order, order.plan) end
  order.asked[provider] = true
  local new, err = shop._store:attempt(intent_of(order, provider, row.id))
  if not new then return nil, err end
  return work(shop, order, new)
end

local OPEN = { pending = true, unknown = true, paid = true, refunded = true }

-- In flight, and not here: another worker's, or a former process's whose lease is over.
local function in_flight(shop, order, row)
  local facts = shop._unwritten[row.id]
  if facts then
    local ok, err = answered(shop, row, facts)
    if not ok then return nil, err end
    shop._unwritten[row.id] = nil
    return shop._store:get(row.id)
  end
  if (row.lease or math.huge) > wall() then
    return nil, busy(row, order.reference, order.reference)
  end
  local list, err = shop._store:recover { now = wall() }
  if not list then return nil, err end
  shop:_tell()
  return shop._store:get(row.id)
end

local function unclear(shop, order, row)
  if row.kind == "charge" then shop:_resolve(row, order) end
  local found, err = shop._store:get(row.id)
  if not found then return nil, err end
  if found.state ~= "unknown" or found.orphan then return found end
  if order.on_unknown == "orphan" and order.kind == "charge" then
    local ok, problem = shop._store:orphan(row.id, facts_of(row, nil, wall() + FIRST_SEARCH))
    if not ok then return nil, problem end
    return shop._store:get(row.id)
  end
  return nil, still_unknown(order, row)
end

--- The stored answer of a reference (G5); or, when nothing that can be paid is left of the earlier
-- operation, a new one in its place.
local function again(shop, order, row)
  local err
  if row.state == "intent" or row.state == "sent" then row, err = in_flight(shop, order, row) end
  if row and row.state == "unknown" and not row.orphan then row, err = unclear(shop, order, row) end
  if not row then return nil, err end
  if row.state == "answered" and not row.orphan and (OPEN[row.status] or order.kind ~= "charge")
  then
    return shop:_charge_of(row)
  end
  return take_over(shop, order, row)
end

--- Takes an order to its end. May yield.
-- @tparam table shop
-- @tparam table order reference, kind, amount, params, args, plan, deadline, expires_in, on_unknown
-- @treturn table|nil the charge (a subscription's result), or nil and an error
function M.run(shop, order)
  order.attempts, order.asked = 0, {}
  local provider = order.plan.order[1]
  if not provider then
    local row = shop:_current(order.reference, order.kind)
    if not row then return nil, nobody(order, order.plan) end
    provider = row.provider
  end
  local row, fresh = shop._store:intent(intent_of(order, provider))
  if not row then return nil, fresh end
  if not fresh then return again(shop, order, row) end
  order.asked[provider] = true
  return work(shop, order, row)
end

return M
