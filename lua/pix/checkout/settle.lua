--- Cancelling and refunding: recorded like an order, repeated only after a look at the status. One
-- at a time for a charge: who comes second finds what the first has done.
local busy = require "pix.checkout.busy"
local core = require "pix.core"
local retry = require "pix.retry"

local M = {}

local DEADLINE = 30
local LEASE_MARGIN = 30
local GOAL = { cancel = "cancelled", refund = "refunded" }
local FROM = { cancel = "pending", refund = "paid" } -- from where a repetition makes sense

local function wall()
  return core.reactor():wall()
end

local function intent_of(row, operation, deadline, previous)
  return {
    reference = row.id, kind = operation, provider = row.provider, amount = row.amount,
    params = operation, now = wall(), previous = previous,
    lease = math.max(0, deadline - core.reactor():now()) + LEASE_MARGIN,
  }
end

local IN_FLIGHT = { intent = true, sent = true }

-- The operation's record, new or of an earlier try that came to nothing.
local function begin(shop, row, operation, deadline)
  local record, fresh = shop._store:intent(intent_of(row, operation, deadline))
  if not record then return nil, fresh end
  if fresh then return record, true end
  if IN_FLIGHT[record.state] and record.lease and record.lease > wall() then
    return nil, busy(record, row.reference, ("the %s of %s"):format(operation, row.reference))
  end
  if record.state ~= "failed" then return record, false end
  local err
  record, err = shop._store:attempt(intent_of(row, operation, deadline, record.id))
  return record, record and true or err
end

local function problem_of(err)
  return { now = wall(), data = { error_kind = err.kind, error_code = err.code, sent = err.sent,
    http_status = err.http_status } }
end

local function end_with_error(shop, record, err)
  if record.state ~= "answered" then
    local facts = problem_of(err)
    if err.sent == "maybe" then
      facts.due = wall() + 10
      shop._store:unknown(record.id, facts)
    else
      shop._store:failed(record.id, facts)
    end
  end
  shop:_tell()
  return nil, err
end

-- The charge first: who dies in between leaves an operation in flight, which a start looks into.
local function done(shop, row, record, heard, as)
  local status, err = shop:_heard(row, { status = as or heard.status,
    raw_status = heard.raw_status })
  if not status then return nil, err end
  local ok
  ok, err = shop._store:answered(record.id, { now = wall(), charge = {
    status = heard.status, amount = row.amount } })
  shop:_tell()
  if not ok then return nil, err end
  return status
end

local function conflict(row, operation, status)
  return core.error {
    kind = "conflict", sent = "yes", provider = row.provider, operation = operation,
    message = ("the charge is %s: it cannot be %s"):format(status, GOAL[operation]),
    hint = operation == "cancel" and "a paid charge can only be refunded"
      or "only a paid charge can be refunded",
  }
end

-- What the provider says of the charge: "done", "stands", or an error.
local function inspect(shop, row, operation, deadline)
  local heard, err = shop._guard:read(row.provider, "status",
    { id = row.charge_id, amount = row.amount }, { deadline = deadline })
  if not heard then return nil, err end
  if heard.status == GOAL[operation] then return "done", heard end
  if heard.status == FROM[operation] then return "stands", heard end
  shop:_heard(row, heard)
  return nil, conflict(row, operation, heard.status)
end

-- A conflict may mean that an earlier try of ours has worked after all.
local function after_conflict(shop, row, operation, deadline, err)
  local what, heard = inspect(shop, row, operation, deadline)
  if what == "done" then return heard end
  if not what and heard.kind == "conflict" then return nil, heard end
  return nil, err
end

-- Before a repetition: the status. The heard thing when it is done; true: go on; nil, err: stop.
local function look_first(shop, row, operation, deadline, err)
  local what, heard = inspect(shop, row, operation, deadline)
  if what == "done" then return heard end
  if what == "stands" then return true end
  if heard.kind == "conflict" then return nil, heard end
  return nil, err
end

local function tries(shop, row, operation, deadline, look)
  local count, guard = 0, shop._guard
  while true do
    if look then
      local heard, err = look_first(shop, row, operation, deadline, look)
      if heard ~= true then return heard, err, count end
    end
    count = count + 1
    local heard, err = guard:call(row.provider, operation,
      { id = row.charge_id, amount = row.amount }, { deadline = deadline })
    if heard then return heard, nil, count end
    if err.kind == "conflict" then
      heard, err = after_conflict(shop, row, operation, deadline, err)
      return heard, err, count
    end
    local verdict, delay = guard:decide(retry.CLASS[operation], err, count, deadline)
    if verdict == "stop" then
      if err.sent ~= "maybe" then return nil, err, count end
      heard = look_first(shop, row, operation, deadline, err)
      return heard ~= true and heard or nil, err, count
    end
    look = err.sent == "maybe" and err or nil
    local ok, cancelled = guard:pause(row.provider, operation, delay)
    if not ok then return nil, cancelled, count end
  end
end

local function unsupported(shop, row, operation)
  if shop._providers[row.provider]:supports(operation) then return nil end
  return core.error {
    kind = "unsupported", sent = "no", provider = row.provider, operation = operation,
    message = ("%s cannot %s a charge"):format(row.provider, operation),
    hint = operation == "refund" and "pay it back by a transfer of your own"
      or "let it expire: it stays watched",
  }
end

local function settle(shop, row, operation, as, deadline)
  local record, fresh = begin(shop, row, operation, deadline)
  if not record then return nil, fresh end
  local before
  if not fresh then
    before = core.error { kind = "conflict", code = "unknown", sent = "maybe",
      provider = row.provider, operation = operation,
      message = "an earlier try of it ended without an answer" }
  end
  local heard, problem, count = tries(shop, row, operation, deadline, before)
  if heard then return done(shop, row, record, heard, as) end
  problem.attempts = count
  return end_with_error(shop, record, problem)
end

--- Cancels or refunds a charge. May yield.
-- @tparam table shop
-- @tparam table row the charge's operation in the journal
-- @tparam string operation "cancel" or "refund"
-- @tparam[opt] table options as = the status to record instead ("expired"); deadline = seconds
-- @treturn string|nil the charge's status, or nil and an error
function M.run(shop, row, operation, options)
  options = options or {}
  local err = unsupported(shop, row, operation)
  if err then return nil, err end
  local deadline = core.reactor():now() + (options.deadline or DEADLINE)
  local flight = { kind = operation, reference = row.id, params = operation, deadline = deadline }
  return shop:_one_at_a_time(flight, function()
    return settle(shop, row, operation, options.as, deadline)
  end)
end

M.GOAL = GOAL

return M
