--- A journal that is not durable: the methods of pix.journal over plain tables, for programs that
-- name none. Nothing here waits. What is over is forgotten after a day.
local core = require "pix.core"

local M = {}

local Memory = {}
Memory.__index = Memory

local STATE = { intent = 1, sent = 2, unknown = 3, answered = 4, failed = 5 }
local STATUS = {
  unknown = 0, pending = 10, expired = 20, cancelled = 21, rejected = 22, paid = 30, refunded = 40,
}
local LEASE = 60 -- seconds
local KEEP, SWEEP = 86400, 1000 -- seconds; intents between two sweeps
local MANY = 100
local GIVE_BACK = 120 -- seconds, as in pix.journal

local function rank(status)
  return STATUS[status] - STATUS[status] % 10
end

local function copy(row)
  if not row then return nil end
  local new = {}
  for name, value in pairs(row) do
    new[name] = value
  end
  return new
end

local function problem(kind, code, message, hint)
  return nil, core.error {
    kind = kind, code = code, sent = "no", operation = "journal", message = message, hint = hint,
  }
end

local function absent(id)
  return problem("not_found", "absent", "there is no operation " .. tostring(id))
end

local function order_key(reference, kind)
  return kind .. "\n" .. reference
end

local function emit(self, row, name, kind, now)
  local id = row.id .. "." .. name
  if self._told[id] then return end
  self._told[id] = now
  self._outbox[#self._outbox + 1] = { id = id, type = kind, at = now, subject = row.id }
end

-- ---- Intents ----

local function sweep(self, now)
  self._made = self._made + 1
  if self._made % SWEEP ~= 0 then return end
  for id, row in pairs(self._rows) do
    if not row.due and row.updated < now - KEEP and row.state ~= "unknown" then
      self._rows[id], self._references[row.reference] = nil, nil
      local key = order_key(row.reference, row.kind)
      if self._orders[key] and self._orders[key].operation == id then self._orders[key] = nil end
    end
  end
  for id, at in pairs(self._told) do
    if at < now - 2 * KEEP then self._told[id] = nil end
  end
end

local function insert(self, intent, id)
  self._rows[id] = {
    id = id, reference = intent.reference, kind = intent.kind or "charge",
    provider = intent.provider, amount = intent.amount, state = "intent", status = "unknown",
    orphan = false, owed = false, fence = 1, data = {}, created = intent.now, updated = intent.now,
    lease = intent.now + (intent.lease or LEASE), due = intent.now + (intent.lease or LEASE),
    number = self._made,
  }
  local siblings = self._references[intent.reference] or {}
  siblings[#siblings + 1] = id
  self._references[intent.reference] = siblings
  return copy(self._rows[id])
end

function Memory:intent(intent)
  sweep(self, intent.now)
  local key = order_key(intent.reference, intent.kind or "charge")
  local order = self._orders[key]
  if order and order.params ~= intent.params then
    return problem("conflict", "params", ("reference %s was used with other parameters")
      :format(intent.reference), "use a reference of its own for each order")
  end
  if order then return copy(self._rows[order.operation]), false end
  local id = intent.id or core.random(12)
  self._orders[key] = { params = intent.params, operation = id }
  return insert(self, intent, id), true
end

-- Is another charge of the same order paid?
local function paid_twice(self, row)
  for _, id in ipairs(self._references[row.reference]) do
    local other = self._rows[id]
    if other and id ~= row.id and other.kind == row.kind and STATUS[other.status] >= 30 then
      return true
    end
  end
  return false
end

local function replaceable(row)
  return row.state == "failed" or row.orphan or rank(row.status) == 20
end

function Memory:attempt(intent)
  local order = self._orders[order_key(intent.reference, intent.kind or "charge")]
  local previous = self._rows[intent.previous]
  if not (order and previous) then return absent(intent.previous) end
  if order.operation ~= intent.previous or not replaceable(previous)
    or STATUS[previous.status] >= 30 or paid_twice(self, previous) then
    return problem("conflict", "stale", "the order has gone on meanwhile")
  end
  self._made = self._made + 1
  order.operation = intent.id or core.random(12)
  return insert(self, intent, order.operation)
end

-- ---- Changes ----

-- Changes one row where `allowed(row)`; tells of it.
local function change(self, id, facts, allowed, name, apply)
  local row = self._rows[id]
  if not row then return absent(id) end
  if not allowed(row) then return copy(row), false end
  local quiet = name == "failed" and row.state ~= "unknown" -- its caller has heard it
  local event, kind = name, row.kind .. "." .. tostring(name)
  if type(name) == "function" then event, kind = facts.status, name(row) end
  if name == "created" and row.orphan then kind = "charge.orphan" end
  if not quiet then emit(self, row, event, kind, facts.now) end
  apply(row)
  row.updated, row.lease = facts.now, nil
  for key, value in pairs(facts.data or {}) do
    row.data[key] = value
  end
  return copy(row), true
end

local function before(state)
  return function(row) return STATE[row.state] < STATE[state] end
end

function Memory:sent(id, facts)
  return self:get(id), facts ~= nil
end

function Memory:answered(id, facts)
  local charge = facts.charge or {}
  local status = charge.status or "pending"
  return change(self, id, facts, before "answered", "created", function(row)
    row.state, row.status, row.due = "answered", status, facts.due
    row.charge_id, row.code_kind, row.expires = charge.id, charge.code_kind, charge.expires
    row.code = rank(status) < 20 and charge.code or nil
    row.amount = charge.amount or row.amount
    if charge.id then self._charges[row.provider .. "\n" .. charge.id] = row.id end
  end)
end

function Memory:unknown(id, facts)
  return change(self, id, facts, before "unknown", "unknown", function(row)
    row.state, row.due = "unknown", facts.due
  end)
end

function Memory:failed(id, facts)
  return change(self, id, facts, before "answered", "failed", function(found)
    found.state, found.due = "failed", nil
  end)
end

function Memory:orphan(id, facts)
  local function allowed(row) return not row.orphan and row.state == "unknown" end
  return change(self, id, facts, allowed, "orphan", function(row)
    row.orphan, row.due = true, facts.due
  end)
end

local function status_event(self, status)
  return function(row)
    if status ~= "paid" then return row.kind .. "." .. status end
    if paid_twice(self, row) then return row.kind .. ".duplicate" end
    return row.kind .. (rank(row.status) == 20 and ".late" or ".paid")
  end
end

local function move(self, row, facts)
  local final = STATUS[facts.status] >= 30
  if row.state ~= "failed" then row.state = "answered" end
  row.status = facts.status
  row.charge_id = row.charge_id or facts.charge_id
  if row.charge_id then self._charges[row.provider .. "\n" .. row.charge_id] = row.id end
  if rank(facts.status) >= 20 then row.code = nil end
  row.owed = facts.status == "paid" and paid_twice(self, row)
  if row.owed then
    row.due = facts.now + GIVE_BACK
  elseif facts.due ~= nil or final then
    row.due = facts.due or nil
  end
end

local function undecided(row)
  return STATE[row.state] < STATE.answered
end

function Memory:status(id, facts)
  if facts.orphan then
    change(self, id, facts, function(row) return undecided(row) and not row.orphan end, "orphan",
      function(row) row.orphan = true end)
  end
  local function allowed(row)
    return STATUS[row.status] < rank(facts.status)
      and (row.state ~= "failed" or STATUS[facts.status] >= 30)
  end
  return change(self, id, facts, allowed, status_event(self, facts.status), function(row)
    move(self, row, facts)
  end)
end

function Memory:resolve(id, facts)
  local row = self._rows[id]
  if not row then return absent(id) end
  if row.state ~= "unknown" then
    return problem("conflict", "known", ("operation %s is %s, not unknown"):format(id, row.state))
  end
  local other = facts.charge_id and self:by_charge(row.provider, facts.charge_id)
  if other and other.id ~= id then
    return problem("conflict", "taken", ("the charge is operation %s's already"):format(other.id))
  end
  if facts.as == "failed" then return self:failed(id, facts) end
  return self:status(id, { status = facts.as, now = facts.now, charge_id = facts.charge_id,
    due = facts.as == "pending" and facts.now or nil })
end

function Memory:webhook(hook)
  local key = hook.provider .. ":" .. hook.key
  local fresh = not self._inbox[key]
  self._inbox[key] = hook.now
  local row = self:by_charge(hook.provider, hook.charge_id)
  if not row then return { fresh = fresh, changed = false } end
  local after, changed = self:status(row.id, hook)
  return { fresh = fresh, changed = changed, operation = after }
end

-- ---- The work list ----

-- Copies of the rows that fit, in the order of `key`.
local function choose(self, fits, key, n)
  local list, copies = {}, {}
  for _, row in pairs(self._rows) do
    if fits(row) then list[#list + 1] = row end
  end
  table.sort(list, function(a, b)
    if a[key] ~= b[key] then return a[key] < b[key] end
    return a.number < b.number
  end)
  for i = 1, math.min(#list, n or MANY) do
    copies[i] = copy(list[i])
  end
  return copies
end

-- The row that is due first; there may be many, and this is asked often.
local function first_due(self)
  local first
  for _, row in pairs(self._rows) do
    if row.due and (not first or row.due < first.due) then first = row end
  end
  return { copy(first) }
end

function Memory:claim(query)
  local lease = query.lease or LEASE
  local list = choose(self, function(row)
    return row.due and row.due <= query.now and STATE[row.state] >= 3
      and (not row.lease or row.lease <= query.now)
      and (not query.provider or row.provider == query.provider)
  end, "due", query.n)
  for _, row in ipairs(list) do
    self._rows[row.id].lease = query.now + lease
  end
  return list
end

function Memory:later(id, facts)
  local row = self._rows[id]
  if row then row.due, row.lease = facts.due, nil end
  return true
end

--- What was left in flight - by a coroutine that was killed - becomes unknown (G3).
function Memory:recover(query)
  local list = choose(self, function(row)
    return STATE[row.state] < 3 and row.lease <= query.now
  end, "created", math.huge)
  for i, row in ipairs(list) do
    list[i] = self:unknown(row.id, { now = query.now, due = query.now })
  end
  return list
end

function Memory:get(id)
  return copy(self._rows[id])
end

function Memory:by_charge(provider, charge_id)
  return copy(self._rows[self._charges[provider .. "\n" .. charge_id] or false])
end

function Memory:by_reference(reference)
  local list = {}
  for _, id in ipairs(self._references[reference] or {}) do
    list[#list + 1] = copy(self._rows[id])
  end
  return list
end

function Memory:watched(query)
  if query and query.n == 1 then return first_due(self) end
  return choose(self, function(row) return row.due ~= nil end, "due", query and query.n)
end

function Memory:list(query)
  query = query or {}
  return choose(self, function(row)
    return row.id > (query.after or "") and (not query.state or row.state == query.state)
  end, "id", query.n)
end

function Memory:undecided(query)
  return choose(self, function(row)
    return undecided(row) and row.kind == query.kind and row.provider == query.provider
      and row.amount == query.amount and row.created >= query.from and row.created <= query.to
  end, "created", math.huge)
end

-- ---- Events ----

function Memory:events(query)
  local list = {}
  for _, event in ipairs(self._outbox) do
    if not event.lease or event.lease <= query.now then
      event.lease = query.now + (query.lease or 60)
      list[#list + 1] = { id = event.id, type = event.type, at = event.at,
        operation = self:get(event.subject) }
    end
  end
  return list
end

function Memory:acknowledge(ids)
  local gone, left = {}, {}
  for _, id in ipairs(ids) do
    gone[id] = true
  end
  for _, event in ipairs(self._outbox) do
    if not gone[event.id] then left[#left + 1] = event end
  end
  self._outbox = left
  return true
end

function Memory.name()
  return "memory"
end

function Memory.close()
end

--- @treturn table an empty journal
function M.open()
  return setmetatable({ _rows = {}, _orders = {}, _charges = {}, _inbox = {}, _outbox = {},
    _told = {}, _references = {}, _made = 0 }, Memory)
end

return M
