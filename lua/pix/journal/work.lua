--- The journal's work list: what is due, who does it (G6), what a start finds (G3), what the
-- application is told (G9), and what a person may look at. Methods of the journal object.
local record = require "pix.journal.record"
local sql = require "pix.journal.sql"

local M = {}

local statement, ms = sql.statement, record.ms
local COLUMNS = record.COLUMNS
local LEASE = 60
local MANY = 100
local FAR = 2 ^ 42 -- milliseconds: in the year 2109

local function operations(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = record.operation(row) end
  return list
end

-- One SELECT's rows.
local function select_rows(self, text, values)
  local results, err = self:_submit { statement(text, values) }
  if not results then return nil, err end
  return results[1]
end

local function select_operations(self, where, values)
  local rows, err = select_rows(self,
    "SELECT " .. COLUMNS .. " FROM pix_operation WHERE " .. where, values)
  if not rows then return nil, err end
  return operations(rows)
end

local function first(list, err)
  if not list then return nil, err end
  return list[1]
end

-- Several workers pass over each other's rows. SQLite has one writer at a time.
local function pick(self, select)
  return "WITH picked AS (" .. select .. (self._locks and " FOR UPDATE SKIP LOCKED) " or ") ")
end

--- Takes operations that are due, under a lease: until it is over nobody else gets them, and
-- after that nothing this worker writes with its old `fence` is taken (G6). May yield.
-- @tparam table query now, n (100), lease (seconds, 60), provider (nil: of all)
-- @treturn table|nil operations, each with its `fence`
function M:claim(query)
  local rows, err = select_rows(self, pick(self, [[SELECT id FROM pix_operation
    WHERE due <= :now AND state >= 3 AND (lease IS NULL OR lease <= :now)
    AND (CAST(:provider AS TEXT) IS NULL OR provider = CAST(:provider AS TEXT))
    ORDER BY due LIMIT :n]]) .. [[UPDATE pix_operation SET worker = :worker, lease = :lease,
    fence = fence + 1 WHERE id IN (SELECT id FROM picked) RETURNING ]] .. COLUMNS, {
    now = ms(query.now), n = query.n or MANY, worker = self.worker, provider = query.provider,
    lease = ms(query.now + (query.lease or LEASE)),
  })
  if not rows then return nil, err end
  return operations(rows)
end

-- A change of what only the holder of the lease may change. nil, err when it is somebody else's.
local function hold(self, set, values)
  local results, err = self:_submit { statement("UPDATE pix_operation SET " .. set
    .. " WHERE id = :id AND fence = :fence", values, 1) }
  if results then return true end
  if err.code == "refused" then
    err.code, err.message = "stale", ("operation %s is in other hands by now"):format(values.id)
  end
  return nil, err
end

--- Keeps a claimed operation for longer. May yield.
-- @tparam string id
-- @tparam table facts fence, now, lease (seconds, 60)
-- @treturn boolean|nil true; or nil and an error: "conflict", code "stale"
function M:renew(id, facts)
  local lease = ms(facts.now + (facts.lease or LEASE))
  return hold(self, "lease = :lease", { id = id, fence = facts.fence, lease = lease })
end

--- Gives a claimed operation back, to be looked at later. May yield.
-- @tparam string id
-- @tparam table facts fence, due (nil: never again)
-- @treturn boolean|nil true; or nil and an error: "conflict", code "stale"
function M:later(id, facts)
  return hold(self, "due = CAST(:due AS BIGINT), worker = NULL, lease = NULL",
    { id = id, fence = facts.fence, due = ms(facts.due) })
end

--- What a start finds in flight becomes `unknown`, due now, with the event .unknown; it is never
-- done again (G3). In flight is what is not answered; it is left alone until its lease is over. May
-- yield.
-- @tparam table query now; at a start: own = true takes what a former process of this worker's name
--   began, sole = true takes everything, because no other process uses this journal. What was begun
--   since this journal's first intent is this program's own, and is left alone
-- @treturn table|nil the operations
function M:recover(query)
  local values = { now = ms(query.now), worker = self.worker, first = ms(self._first) or FAR }
  local where = "due IS NOT NULL AND state < 3 AND (lease <= :now"
    .. (query.own and " OR worker = :worker AND created < :first" or "")
    .. (query.sole and " OR worker IS NOT NULL AND created < :first" or "") .. ")"
  local list = {}
  self:_lock(list, "SELECT id FROM pix_operation WHERE " .. where, values)
  list[#list + 1] = statement([[INSERT INTO pix_outbox (id, subject, type, at)
    SELECT id || '.unknown', id, kind || '.unknown', CAST(:now AS BIGINT) FROM pix_operation
    WHERE ]] .. where .. " ON CONFLICT (id) DO NOTHING", values)
  list[#list + 1] = statement([[UPDATE pix_operation SET state = 3, due = :now, updated = :now,
    worker = NULL, lease = NULL, fence = fence + 1 WHERE ]] .. where .. " RETURNING " .. COLUMNS,
    values)
  local results, err = self:_submit(list)
  if not results then return nil, err end
  return operations(results[#results])
end

--- One operation. May yield.
-- @tparam string id
-- @treturn table|nil the operation; nil alone if there is none; nil and an error
function M:get(id)
  return first(select_operations(self, "id = :id", { id = id }))
end

--- The operation that has a provider's charge. May yield.
function M:by_charge(provider, charge_id)
  return first(select_operations(self, "charge_id = :charge AND provider = :provider",
    { provider = provider, charge = charge_id }))
end

--- All operations of a reference, the oldest first. May yield.
function M:by_reference(reference)
  return select_operations(self, "reference = :reference ORDER BY created, id",
    { reference = reference })
end

--- The one charge of an order whose code may be shown (G7); nil if there is none. May yield.
function M:presentable(reference, kind)
  return first(select_operations(self, [[state = 4 AND status = 10 AND id = (SELECT operation
    FROM pix_order WHERE reference = :reference AND kind = :kind)]],
    { reference = reference, kind = kind or "charge" }))
end

--- Operations that are watched, the next one due first. Nothing is claimed. May yield.
-- @tparam[opt] table query n (100)
function M:watched(query)
  return select_operations(self, "due IS NOT NULL ORDER BY due LIMIT :n",
    { n = query and query.n or MANY })
end

--- Charges that orders went on without, and that may yet be paid. May yield.
function M:orphans(query)
  return select_operations(self,
    "orphan = 1 AND status < 20 AND state < 5 ORDER BY created LIMIT :n",
    { n = query and query.n or MANY })
end

--- Operations of one state, or all, in the order of their ids. May yield.
-- @tparam[opt] table query state, after = the last id of the page before, n (100)
function M:list(query)
  query = query or {}
  local state = query.state and (record.STATE[query.state]
    or error("journal:list: no state " .. tostring(query.state), 2))
  return select_operations(self, [[id > :after AND (CAST(:state AS BIGINT) IS NULL
    OR state = CAST(:state AS BIGINT)) ORDER BY id LIMIT :n]],
    { after = query.after or "", state = state, n = query.n or MANY })
end

--- Operations of one kind, provider and amount that have no outcome yet, the oldest first. May
-- yield.
-- @tparam table query kind, provider, amount (centavos), from, to = when they were begun
function M:undecided(query)
  return select_operations(self, [[state < 4 AND kind = :kind AND provider = :provider
    AND amount = :amount AND created >= :from AND created <= :to ORDER BY created, id]],
    { kind = query.kind, provider = query.provider, amount = query.amount,
      from = ms(query.from), to = ms(query.to) })
end

--- Calls `visit(operation)` for each operation there is, page by page. May yield.
-- @treturn integer|nil how many, or nil and an error
function M:export(visit)
  local after, count = "", 0
  while true do
    local page, err = self:list { after = after }
    if not page then return nil, err end
    for _, operation in ipairs(page) do visit(operation) end
    count = count + #page
    if #page < MANY then return count end
    after = page[#page].id
  end
end

local function as_event(row, operation)
  return {
    id = row.id, type = row.type, at = record.seconds(row.at), operation = operation,
    run = not operation and row.subject or nil,
    data = row.data and record.decode_any(row.data) or nil,
  }
end

--- Takes events that the application has not yet had, the oldest first. Each comes again after
-- the lease unless it was acknowledged: at least once, with a stable id (G9). May yield.
-- @tparam table query now, n (100), lease (seconds, 60)
-- @treturn table|nil events { id, type, at, operation, run, data }
function M:events(query)
  local rows, err = select_rows(self, pick(self, [[SELECT id FROM pix_outbox
    WHERE lease IS NULL OR lease <= :now ORDER BY at, id LIMIT :n]]) .. [[UPDATE pix_outbox
    SET lease = :lease WHERE id IN (SELECT id FROM picked)
    RETURNING id, subject, type, data, at]],
    { now = ms(query.now), n = query.n or MANY, lease = ms(query.now + (query.lease or LEASE)) })
  if not rows then return nil, err end
  table.sort(rows, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.id < b.id
  end)
  local list, events = {}, {}
  for i, row in ipairs(rows) do
    list[i] = statement("SELECT " .. COLUMNS .. " FROM pix_operation WHERE id = :id",
      { id = row.subject })
  end
  if #rows == 0 then return events end
  local found
  found, err = self:_submit(list)
  if not found then return nil, err end
  for i, row in ipairs(rows) do events[i] = as_event(row, record.operation(found[i][1])) end
  return events
end

--- The application has taken these events: they do not come again. May yield.
-- @tparam table ids
-- @treturn boolean|nil true, or nil and an error
function M:acknowledge(ids)
  local list = {}
  for i, id in ipairs(ids) do
    list[i] = statement("DELETE FROM pix_outbox WHERE id = :id", { id = id })
  end
  if #list == 0 then return true end
  local results, err = self:_submit(list)
  return results and true, err
end

--- Forgets the keys of webhooks that came before a time. A provider repeats for days, not months.
-- @tparam number before
-- @treturn integer|nil how many, or nil and an error
function M:forget_webhooks(before)
  local results, err = self:_submit { statement("DELETE FROM pix_inbox WHERE at < :before",
    { before = ms(before) }) }
  if not results then return nil, err end
  return results[1].changed
end

return M
