--- The durable record of what was asked of providers: SQLite in one file, or PostgreSQL.
--
--     local journal = require("pix.journal").open "pix.db"
--     local row, err = journal:intent { reference = "order-17", provider = "ssg", amount = 1990, …
--   }
--
-- Every method is one transaction (none holds one open over an HTTP call), may yield, and returns
-- nil and an error when it was not done: kind "journal" with a `code` ("full", "readonly", "busy",
-- "lost", "unknown" …), or "conflict". Times are seconds since the epoch and are passed in. The
-- rules G1–G10 are those of docs/journal.md.
--
-- How a change works: the row is locked, the event is written if the change is going to happen, the
-- change is made, the row is read. The condition is in the SQL, so duplicates and stale workers
-- change nothing and write no event, whoever comes first.
local core = require "pix.core"
local hosts = require "pix.host"
local record = require "pix.journal.record"
local runs = require "pix.journal.runs"
local schema = require "pix.journal.schema"
local sql = require "pix.journal.sql"
local work = require "pix.journal.work"

local M = {}

local Journal = {}
Journal.__index = Journal
M.Journal = Journal

local LEASE = 60 -- seconds; longer than the longest deadline of a charge
local SETUPS = 10 -- several programs may set up one database at the same time
local LONGEST_REFERENCE = 128
local GIVE_BACK = 120 -- seconds that whoever hears a second payment has for giving it back

local statement, ms = sql.statement, record.ms
local STATUS, COLUMNS = record.STATUS, record.COLUMNS

-- ---- Errors ----

local function problem(kind, code, message, hint)
  return nil, core.error {
    kind = kind, code = code, sent = "no", operation = "journal", message = message, hint = hint,
  }
end

local function stale(id)
  return problem("conflict", "stale", ("operation %s is in other hands by now"):format(id),
    "this worker's lease ran out: drop what it did, and claim again")
end

local function absent(id)
  return problem("not_found", "absent", ("the journal has no operation %s"):format(tostring(id)),
    "look for it by reference")
end

-- ---- Transactions ----

local function await(future)
  if not future:ready() then
    local ready, err = hosts.await(hosts.current(), future)
    if not ready then return nil, err end
  end
  return future:result()
end

-- Brings the schema from `version` one step up, unless somebody else does.
local function migrate(self, version)
  local list = { statement("UPDATE pix_schema SET version = :to WHERE one = 1 AND version = :from",
    { from = version, to = version + 1 }, 1) }
  for _, text in ipairs(schema.steps[version + 1]) do
    list[#list + 1] = statement(text, {})
  end
  return await(self._core:submit(list))
end

local function begin(self)
  local list = {}
  for i, text in ipairs(schema.begin) do list[i] = statement(text, {}) end
  local results, err = await(self._core:submit(list))
  if not results then return nil, err end
  return results[3][1].version
end

local function newer(version)
  return problem("journal", "schema", ("the journal has schema version %d, this program knows %d")
    :format(version, schema.version), "install the luapix that wrote it, or a later one")
end

--- Opens the database and brings its schema up to date. Every other method does it when it must.
-- May yield.
-- @treturn boolean|nil true, or nil and an error
function Journal:start()
  for _ = 1, SETUPS do
    local version, err = begin(self)
    if version == schema.version then
      self._started = true
      return true
    end
    if version and version > schema.version then return newer(version) end
    if version then
      version, err = migrate(self, version)
    end
    if not version and err.kind ~= "conflict" and err.code ~= "statement" then return nil, err end
    self._setup_error = err
  end
  return nil, self._setup_error
end

--- Does a list of statements as one transaction. May yield. For the rest of the journal.
function Journal:_submit(list)
  if not self._started then
    local ok, err = self:start()
    if not ok then return nil, err end
  end
  return await(self._core:submit(list))
end

-- What locks an operation's order until the transaction ends. SQLite has one writer at a time.
function Journal:_lock(list, text, values)
  if self._locks then list[#list + 1] = statement(text .. " FOR UPDATE", values) end
end

-- ---- Intents ----

local function check_reference(reference)
  if type(reference) ~= "string" then
    error("journal: reference must be a string, not " .. type(reference), 3)
  end
  if #reference == 0 or #reference > LONGEST_REFERENCE or reference:find("%c") then
    return problem("invalid", nil, ("a reference has 1 to %d bytes and no control characters")
      :format(LONGEST_REFERENCE), "use your order's number")
  end
  return true
end

local function sorted_text(value)
  if type(value) == "number" then
    return ("n%" .. (value % 1 == 0 and ".0f" or ".17g")):format(value)
  end
  if type(value) ~= "table" then return type(value):sub(1, 1) .. tostring(value) end
  local parts = {}
  for key, member in pairs(value) do
    parts[#parts + 1] = sorted_text(key) .. "=" .. sorted_text(member)
  end
  table.sort(parts)
  for i, part in ipairs(parts) do parts[i] = #part .. ":" .. part end
  return "{" .. table.concat(parts) .. "}"
end

--- The hash of an operation's parameters, the same whatever the order of the members. Whole numbers
-- hash alike on both VMs.
-- @tparam table params strings, numbers, booleans and tables of them
-- @treturn string 32 hexadecimal digits
function M.hash(params)
  return core.hex_sha256(sorted_text(params)):sub(1, 32)
end

-- Inserts the operation if it has become its order's.
local INSERT = [[
  INSERT INTO pix_operation (id, reference, kind, provider, amount, state, status, orphan, data,
    due, worker, lease, fence, created, updated)
  SELECT operation, reference, kind, CAST(:provider AS TEXT), CAST(:amount AS BIGINT), 1, 0, 0,
    CAST(:data AS TEXT), CAST(:lease AS BIGINT), CAST(:worker AS TEXT), CAST(:lease AS BIGINT), 1,
    CAST(:now AS BIGINT), CAST(:now AS BIGINT)
  FROM pix_order WHERE reference = :reference AND kind = :kind AND operation = :id
  ON CONFLICT (id) DO NOTHING]]
local ORDER = [[SELECT params, operation FROM pix_order
  WHERE reference = :reference AND kind = :kind]]
local CURRENT = "SELECT " .. COLUMNS .. [[ FROM pix_operation WHERE id =
  (SELECT operation FROM pix_order WHERE reference = :reference AND kind = :kind)]]

local function intent_values(self, intent)
  return {
    id = intent.id or core.random(12), reference = intent.reference,
    kind = intent.kind or "charge", provider = intent.provider, amount = intent.amount,
    params = intent.params, previous = intent.previous, data = record.encode(intent.data),
    worker = self.worker, now = ms(intent.now), lease = ms(intent.now + (intent.lease or LEASE)),
  }
end

--- Records what is about to be asked of a provider, before the first byte leaves (G1). The same
-- reference again: with the same parameters the stored operation, else an error of kind "conflict"
-- (G5).
-- @tparam table intent reference, provider, amount (centavos), params (pix.journal's `hash`), now;
--   kind ("charge"), id, lease (seconds, 60), data
-- @treturn table|nil the operation, or nil and an error
-- @treturn boolean true: it is new and this caller's to do; false: it is an earlier one's
function Journal:intent(intent)
  local ok, err = check_reference(intent.reference)
  if not ok then return nil, err end
  self._first = self._first or intent.now
  local values = intent_values(self, intent)
  local results
  results, err = self:_submit {
    statement([[INSERT INTO pix_order (reference, kind, params, operation, created)
      VALUES (:reference, :kind, :params, :id, :now)
      ON CONFLICT (reference, kind) DO NOTHING]], values),
    statement(INSERT, values),
    statement(ORDER, values),
    statement(CURRENT, values),
  }
  if not results then return nil, err end
  if results[3][1].params ~= values.params then
    return problem("conflict", "params", ("reference %s was used with other parameters")
      :format(intent.reference), "use a reference of its own for each order")
  end
  local row = record.operation(results[4][1])
  return row, row.id == values.id
end

--- Records the next try of an order at a provider, after an earlier one has surely not been paid:
-- it failed, is an orphan, or its charge has expired or was cancelled. From then on only the new
-- one is presentable (G7); the earlier one stays watched while it is due.
-- @tparam table intent as for `intent`, and previous = the earlier operation's id
-- @treturn table|nil the new operation, or nil and an error: "conflict" with code "stale" when the
--   order has moved on meanwhile
function Journal:attempt(intent)
  local values = intent_values(self, intent)
  local results, err = self:_submit {
    statement([[UPDATE pix_order SET operation = :id
      WHERE reference = :reference AND kind = :kind AND operation = :previous
      AND EXISTS (SELECT 1 FROM pix_operation WHERE id = :previous
        AND (state = 5 OR orphan = 1 OR (status >= 20 AND status < 30)))
      AND NOT EXISTS (SELECT 1 FROM pix_operation WHERE reference = :reference AND kind = :kind
        AND status >= 30)]], values),
    statement(INSERT, values),
    statement(CURRENT, values),
  }
  if not results then return nil, err end
  local row = record.operation(results[3][1])
  if not row then return absent(intent.previous) end
  if row.id ~= values.id then return stale(intent.previous) end
  return row
end

-- ---- Changes ----

local GUARD = " AND (CAST(:fence AS BIGINT) IS NULL OR fence = CAST(:fence AS BIGINT))"
local LOCK_ORDER = [[SELECT reference FROM pix_order WHERE reference =
  (SELECT reference FROM pix_operation WHERE id = :id)]]
local ONE = "SELECT " .. COLUMNS .. " FROM pix_operation WHERE id = :id"

-- The event comes before the change: its condition still holds then. `type` is SQL over the row.
local function add_event(list, event, where, values)
  list[#list + 1] = statement(([[INSERT INTO pix_outbox (id, subject, type, at)
    SELECT id || '.%s', id, %s, CAST(:now AS BIGINT) FROM pix_operation WHERE %s
    ON CONFLICT (id) DO NOTHING]]):format(event.name, event.type, where), values)
end

local ORPHAN_EVENT = { name = "orphan", type = "kind || '.orphan'" }

-- What had no outcome till now becomes an orphan, in the transaction that records its outcome.
local function add_orphan(list, values)
  local where = "id = :id AND orphan = 0 AND state < 4" .. GUARD
  add_event(list, ORPHAN_EVENT, where, values)
  list[#list + 1] = statement("UPDATE pix_operation SET orphan = 1 WHERE " .. where, values)
end

-- Changes one operation where `where` holds. Returns the row and whether it was changed.
local function change(self, values, set, where, event)
  local list = {}
  where = "id = :id AND " .. where .. GUARD
  self:_lock(list, LOCK_ORDER, values)
  if values.orphan then add_orphan(list, values) end
  if event then add_event(list, event, where .. (event.only or ""), values) end
  list[#list + 1] = statement("UPDATE pix_operation SET updated = :now, " .. set
    .. " WHERE " .. where, values)
  list[#list + 1] = statement(ONE, values)
  local results, err = self:_submit(list)
  if not results then return nil, err end
  local row = record.operation(results[#results][1])
  if not row then return absent(values.id) end
  if values.fence and row.fence ~= values.fence then return stale(values.id) end
  return row, results[#results - 1].changed == 1
end

local DATA = "data = COALESCE(CAST(:data AS TEXT), data)"
local FREE = "worker = NULL, lease = NULL"

--- Marks that bytes are about to leave. May be left out: an intent that is found at a start counts
-- as sent.
-- @tparam string id
-- @tparam table facts now, fence
-- @treturn table|nil the operation as it is now, or nil and an error
-- @treturn boolean whether this call changed it; so for every change below
function Journal:sent(id, facts)
  return change(self, { id = id, fence = facts.fence, now = ms(facts.now) }, "state = 2",
    "state < 2")
end

--- Records the provider's answer: the charge. Writes the event charge.created (charge.orphan, when
-- the order has gone on without it).
-- @tparam string id
-- @tparam table facts now, fence, charge = { id, code, code_kind, status, amount, expires }, due =
--   when to look at it next, data
function Journal:answered(id, facts)
  local charge = facts.charge or {}
  local final = STATUS[charge.status or "pending"] >= 20
  return change(self, {
    id = id, fence = facts.fence, now = ms(facts.now), charge_id = charge.id,
    code = not final and charge.code or nil, code_kind = charge.code_kind,
    status = STATUS[charge.status or "pending"], amount = charge.amount,
    expires = ms(charge.expires), due = ms(facts.due), data = record.encode(facts.data),
  }, [[state = 4, status = :status, charge_id = CAST(:charge_id AS TEXT),
    code = CAST(:code AS TEXT), code_kind = CAST(:code_kind AS TEXT),
    amount = COALESCE(CAST(:amount AS BIGINT), amount),
    expires = CAST(:expires AS BIGINT), due = CAST(:due AS BIGINT), ]] .. FREE .. ", " .. DATA,
  "state < 4", { name = "created",
    type = "CASE WHEN orphan = 1 THEN 'charge.orphan' ELSE kind || '.created' END" })
end

--- Records that the outcome is not known: bytes left, no usable answer came. Event charge.unknown.
-- @tparam string id
-- @tparam table facts now, fence, due = when to look for evidence, data
function Journal:unknown(id, facts)
  return change(self, {
    id = id, fence = facts.fence, now = ms(facts.now), due = ms(facts.due),
    data = record.encode(facts.data),
  }, "state = 3, due = CAST(:due AS BIGINT), " .. FREE .. ", " .. DATA, "state < 3",
  { name = "unknown", type = "kind || '.unknown'" })
end

--- Records that it surely was not done. When that was not known before, with the event
-- charge.failed.
-- @tparam string id
-- @tparam table facts now, fence, data
function Journal:failed(id, facts)
  return change(self, {
    id = id, fence = facts.fence, now = ms(facts.now), data = record.encode(facts.data),
  }, "state = 5, due = NULL, " .. FREE .. ", " .. DATA, "state < 4",
  { name = "failed", type = "kind || '.failed'", only = " AND state = 3" })
end

--- Lets the order go on without an operation whose outcome is unknown. It stays watched.
-- @tparam string id
-- @tparam table facts now, fence, due
function Journal:orphan(id, facts)
  return change(self, { id = id, fence = facts.fence, now = ms(facts.now), due = ms(facts.due) },
    "orphan = 1, due = CAST(:due AS BIGINT), " .. FREE, "orphan = 0 AND state = 3",
    ORPHAN_EVENT)
end

-- ---- Statuses ----

local TWICE = [[EXISTS (SELECT 1 FROM pix_operation AS other
    WHERE other.reference = pix_operation.reference AND other.kind = pix_operation.kind
    AND other.id <> pix_operation.id AND other.status >= 30)]]

-- A payment is an event once per order: a second paid charge of the same order is a duplicate.
local PAID = "CASE WHEN " .. TWICE .. [[ THEN kind || '.duplicate'
  WHEN status >= 20 THEN kind || '.late' ELSE kind || '.paid' END]]

local function status_event(status)
  return { name = status, type = status == "paid" and PAID or ("kind || '.%s'"):format(status) }
end

-- What failed stays so - but money that came is money.
local FORWARD = "status < :floor AND (state <> 5 OR CAST(:status AS BIGINT) >= 30)"

-- A second payment of its order is owed to the payer. It is due again, so that somebody gives it
-- back even if whoever has heard of it dies.
local OWED = "CAST(:status AS BIGINT) = 30 AND " .. TWICE

-- A code that cannot be paid any more is not kept; one that was paid must not be shown again.
local MOVE = "owed = CASE WHEN " .. OWED .. " THEN 1 ELSE 0 END, due = CASE WHEN " .. OWED
  .. [[ THEN CAST(:owed AS BIGINT) WHEN :keep = 1 THEN due ELSE CAST(:due AS BIGINT) END,
  state = CASE WHEN state = 5 THEN 5 ELSE 4 END, status = CAST(:status AS BIGINT),
  charge_id = COALESCE(charge_id, CAST(:charge_id AS TEXT)),
  code = CASE WHEN CAST(:status AS BIGINT) >= 20 THEN NULL ELSE code END, ]] .. FREE .. ", " .. DATA

local function move_values(facts)
  local status = STATUS[facts.status] or error("journal: no status " .. tostring(facts.status), 3)
  local final = status >= 30
  return {
    fence = facts.fence, now = ms(facts.now), status = status, floor = record.rank(facts.status),
    charge_id = facts.charge_id, due = facts.due and ms(facts.due) or nil,
    owed = ms(facts.now + GIVE_BACK),
    keep = (facts.due == nil and not final) and 1 or 0, data = record.encode(facts.data),
  }
end

--- Records what was heard of a charge. Forward only: what is known already, or is older, changes
-- nothing (G8). In the same transaction the event (G9): charge.paid – or .late after it had
-- expired, or .duplicate when another charge of the order is paid –, .expired, .cancelled,
-- .rejected, .refunded. A duplicate is `owed` until it is refunded, and due in two minutes.
-- @tparam string id
-- @tparam table facts status, now, fence, due (nil: as before; false: never again; paid and
--   refunded ones are not looked at again unless it is given), charge_id (where it was not known),
--   orphan = true: its code must not be shown, so if it had no outcome till now the order goes on
--   without it (event charge.orphan), data
-- @treturn table|nil the operation, or nil and an error
-- @treturn boolean whether this call changed it
function Journal:status(id, facts)
  local values = move_values(facts)
  values.id, values.orphan = id, facts.orphan
  return change(self, values, MOVE, FORWARD, status_event(facts.status))
end

-- The operation; or nil and an error if the charge that it is to be given is another's.
local function untaken(journal, id, charge_id)
  local row, err = journal:get(id)
  if not row then
    if err then return nil, err end
    return absent(id)
  end
  local other
  if charge_id then other, err = journal:by_charge(row.provider, charge_id) end
  if err then return nil, err end
  if not other or other.id == id then return row end
  return problem("conflict", "taken", ("the charge is operation %s's already, of the order %s")
    :format(other.id, other.reference), "look at the provider again: one payment pays one order")
end

--- What a person found out about an operation whose outcome is unknown (G4).
-- @tparam string id
-- @tparam table facts as = "failed", or a status; by, note, now, charge_id
function Journal:resolve(id, facts)
  if facts.as ~= "failed" and not STATUS[facts.as] then
    return problem("invalid", nil, "as: \"failed\", or what became of the charge: pending, paid …")
  end
  if type(facts.by) ~= "string" then
    return problem("invalid", nil, "by: the name of the person who looked")
  end
  local row, changed = untaken(self, id, facts.charge_id)
  if not row then return nil, changed end
  local data = { by = facts.by, note = facts.note }
  if facts.as == "failed" then
    row, changed = self:failed(id, { now = facts.now, data = data })
  else
    local values = move_values { status = facts.as, now = facts.now, data = data,
      charge_id = facts.charge_id, due = facts.due or (facts.as == "pending" and facts.now) }
    values.id = id
    row, changed = change(self, values, MOVE, "state < 4", status_event(facts.as))
  end
  if not row or changed then return row, changed end
  return problem("conflict", "known", ("operation %s is %s, not unknown"):format(id, row.state),
    "only what is unknown can be resolved")
end

--- Takes in a webhook: its key and what it says, in one transaction (G9). The same key again
-- changes nothing.
-- @tparam table hook provider, key, charge_id, status, now, due, data
-- @treturn table|nil { fresh = the key was new, changed = the charge moved, operation = it or nil
--   }, or nil and an error
function Journal:webhook(hook)
  local values = move_values(hook)
  values.provider, values.charge = hook.provider, hook.charge_id
  values.key = hook.provider .. ":" .. hook.key
  local one = "charge_id = :charge AND provider = :provider"
  local where = one .. " AND " .. FORWARD
  local list = { statement(
    "INSERT INTO pix_inbox (id, at) VALUES (:key, :now) ON CONFLICT (id) DO NOTHING", values) }
  self:_lock(list, [[SELECT reference FROM pix_order WHERE reference IN (SELECT reference FROM
    pix_operation WHERE charge_id = :charge AND provider = :provider)]], values)
  add_event(list, status_event(hook.status), where, values)
  list[#list + 1] = statement("UPDATE pix_operation SET updated = :now, " .. MOVE .. " WHERE "
    .. where, values)
  list[#list + 1] = statement("SELECT " .. COLUMNS .. " FROM pix_operation WHERE " .. one, values)
  local results, err = self:_submit(list)
  if not results then return nil, err end
  return {
    fresh = results[1].changed == 1, changed = results[#results - 1].changed > 0,
    operation = record.operation(results[#results][1]),
  }
end

-- ---- Opening ----

local function back_end(where)
  if where:find("^postgres://") or where:find("^postgresql://") then return "postgres", where end
  return "sqlite", (where:gsub("^sqlite:", ""))
end

--- Opens a journal. The database itself is opened at the first use, or by `start`.
-- @tparam string where "pix.db", "sqlite:path", or "postgres://user:password@host/database"
-- @tparam[opt] table options worker = a name that is the same after a restart and different for
--   each process (default: by chance); patience = seconds to wait for a database that is locked or
--   gone (5)
-- @treturn table|nil the journal, or nil and an error of kind "config"
function M.open(where, options)
  if type(where) ~= "string" then
    error("pix.journal.open: a path or a URL was expected, not " .. type(where), 2)
  end
  options = options or {}
  local name, place = back_end(where)
  local ok, module = pcall(require, "pix.journal_" .. name)
  if not ok then
    local _, err = problem("config", "module",
      ("this installation has no pix.journal_%s"):format(name),
      "install " .. (name == "sqlite" and "libsqlite3" or "libpq") .. " and build luapix anew")
    err.reason = tostring(module)
    return nil, err
  end
  local inner, err = core.journal(module, place, options.patience)
  if not inner then return nil, err end
  return setmetatable({
    _core = inner, _locks = name == "postgres", _started = false,
    worker = options.worker or core.random(8),
  }, Journal)
end

--- Closes the journal; what was handed in is still written, if the database works.
function Journal:close()
  self._core:close()
end

--- "sqlite" or "postgres".
function Journal:name()
  return self._core:name()
end

--- Number of commits and of transactions so far: how well they share.
function Journal:counts()
  return self._core:counts()
end

for _, room in ipairs { work, runs } do
  for name, method in pairs(room) do Journal[name] = method end
end

return M
