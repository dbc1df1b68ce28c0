--- What must hold after a recovery, of a journal, the sandbox's ledger and what programs were told.
-- Each rule gives a list of what contradicts it: empty when all is well.
local M = {}

local function add(list, text, ...)
  list[#list + 1] = text:format(...)
end

local function by(list, name)
  local map = {}
  for _, item in ipairs(list) do
    map[item[name]] = item
  end
  return map
end

--- No payment is lost: each charge that the ledger says was paid is a paid operation.
function M.payments(charges, operations)
  local wrong, known = {}, {}
  for _, row in ipairs(operations) do
    if row.kind == "charge" and row.charge_id then known[row.charge_id] = row end
  end
  for _, charge in ipairs(charges) do
    local row = known[charge.id]
    local status = row and row.status
    if charge.status == "paid" and status ~= "paid" then
      add(wrong, "%s of %s is paid, the journal says %s", charge.id, charge.provider,
        status or "nothing")
    elseif charge.status == "refunded" and status ~= "refunded" then
      add(wrong, "%s of %s is refunded, the journal says %s", charge.id, charge.provider,
        status or "nothing")
    end
  end
  return wrong
end

local PAYMENT = { ["charge.paid"] = true, ["charge.late"] = true, ["charge.duplicate"] = true }

--- Each paid charge has one event of payment by its id, and each order one that is no duplicate.
function M.fulfilments(operations, told)
  local wrong, seen, orders = {}, {}, {}
  for _, event in ipairs(told) do
    if PAYMENT[event.type] then
      if seen[event.id] and seen[event.id] ~= event.type then
        add(wrong, "%s came as %s and as %s", event.id, seen[event.id], event.type)
      end
      if not seen[event.id] and event.type ~= "charge.duplicate" then
        if orders[event.reference] then add(wrong, "%s was fulfilled twice", event.reference) end
        orders[event.reference] = event.id
      end
      seen[event.id] = event.type
    end
  end
  for _, row in ipairs(operations) do
    local paid = row.status == "paid" or row.status == "refunded"
    local expected = row.kind == "charge" and paid
    if expected and not seen[row.id .. ".paid"] then
      add(wrong, "%s is %s, and nobody was told of the payment", row.reference, row.status)
    end
    seen[row.id .. ".paid"] = nil
  end
  for id in pairs(seen) do
    add(wrong, "%s was told of a charge that is not paid", id)
  end
  return wrong
end

--- At most one code of an order was shown that can be paid; `shown` has { reference, id }. One that
-- was cancelled is none.
function M.codes(shown, charges)
  local wrong, first, ledger = {}, {}, by(charges, "id")
  for _, item in ipairs(shown) do
    local id = first[item.reference]
    if ledger[item.id].status ~= "cancelled" then
      if id and id ~= item.id then
        add(wrong, "%s has two codes, %s and %s", item.reference, id, item.id)
      end
      first[item.reference] = item.id
    end
  end
  return wrong
end

--- Each of these orders was fulfilled (once, says M.fulfilments), or ended as cancelled.
-- @tparam {string,…} references
-- @tparam table charges the ledger's
-- @tparam function reference_of an amount's
function M.handled(references, charges, told, reference_of)
  local wrong, fulfilled, cancelled = {}, {}, {}
  for _, event in ipairs(told) do
    if event.type == "charge.paid" or event.type == "charge.late" then
      fulfilled[event.reference] = event.id
    end
  end
  for _, charge in ipairs(charges) do
    if charge.status == "cancelled" then cancelled[reference_of(charge.amount)] = true end
  end
  for _, reference in ipairs(references) do
    if not fulfilled[reference] and not cancelled[reference] then
      add(wrong, "%s was neither paid nor cancelled", reference)
    end
  end
  return wrong
end

--- An operation that was answered, failed or was resolved has evidence; what is unknown was told,
-- and it is so only where `may_stay(row)`.
function M.unknowns(operations, charges, told, may_stay)
  local wrong, ledger, events = {}, by(charges, "id"), by(told, "id")
  for _, row in ipairs(operations) do
    local name = ("%s %s of %s"):format(row.state, row.kind, row.reference)
    if row.state == "intent" or row.state == "sent" then
      add(wrong, "%s is still in flight", name)
    elseif row.state == "unknown" and not may_stay(row) then
      add(wrong, "%s could have been found out", name)
    elseif row.state == "unknown" and not events[row.id .. ".unknown"] then
      add(wrong, "nobody was told of %s", name)
    elseif row.kind == "charge" and row.state == "answered" and not ledger[row.charge_id] then
      add(wrong, "%s has no charge in the ledger", name)
    end
  end
  return wrong
end

--- Each charge of the ledger is known to the journal by its id, or is one of an operation whose
-- outcome is not known: the same amount.
function M.charges(charges, operations)
  local wrong, known, unknown = {}, {}, {}
  for _, row in ipairs(operations) do
    if row.charge_id then known[row.charge_id] = true end
    if row.kind == "charge" and row.state == "unknown" then
      unknown[row.amount] = (unknown[row.amount] or 0) + 1
    end
  end
  for _, charge in ipairs(charges) do
    if not known[charge.id] then
      unknown[charge.amount] = (unknown[charge.amount] or 0) - 1
      if unknown[charge.amount] < 0 then
        add(wrong, "the journal knows nothing of %s (%d)", charge.id, charge.amount)
      end
    end
  end
  return wrong
end

return M
