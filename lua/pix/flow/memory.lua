--- A journal of runs in memory: the methods that pix.journal has for runs, for programs without a
-- journal and for tests. It lasts as long as the program.
local core = require "pix.core"
local values = require "pix.flow.values"

local M = {}

local Memory = {}
Memory.__index = Memory

local LEASE, MANY = 60, 100

local function stale(id)
  return nil, core.error { kind = "conflict", code = "stale", sent = "no", operation = "journal",
    message = ("run %s has gone on without this worker"):format(id) }
end

local function shown(row)
  local copy = {}
  for key, value in pairs(row) do
    if key ~= "steps" then copy[key] = value end
  end
  copy.data = values.copy(row.data)
  return copy
end

--- As pix.journal's.
function Memory:run_begin(run)
  local id = run.id or core.random(12)
  local row = self._rows[id]
  if row then return shown(row), false end
  self._count = self._count + 1
  row = { id = id, flow = run.flow, version = run.version, state = run.state, ended = false,
    step = 0, data = values.copy(run.data), due = run.due or run.now, worker = self.worker,
    lease = run.now + (run.lease or LEASE), fence = 1, created = run.now, updated = run.now,
    steps = {}, order = self._count }
  self._rows[id] = row
  return shown(row), true
end

--- As pix.journal's.
function Memory:run_step(id, step)
  local row = self._rows[id]
  if not row or row.fence ~= step.fence or row.step ~= step.step or row.ended then
    return stale(id)
  end
  row.step, row.state, row.ended, row.updated = step.step + 1, step.state, step.ended or false,
    step.now
  if step.data ~= nil then row.data = values.copy(step.data) end
  row.due = not step.ended and (step.due or step.now) or nil
  if step.lease then row.lease = step.now + step.lease end
  row.steps[#row.steps + 1] = { step = row.step, state = step.state, cause = step.cause,
    data = values.copy(step.step_data), at = step.now }
  if self._forget and row.ended then self._rows[id] = nil end
  return row.step
end

local function by_order(list)
  table.sort(list, function(a, b) return a.order < b.order end)
  for i, row in ipairs(list) do list[i] = shown(row) end
  return list
end

--- As pix.journal's.
function Memory:run_claim(query)
  local list = {}
  for _, row in pairs(self._rows) do
    local free = not row.lease or row.lease <= query.now
      or (query.sole or query.own) and row.worker ~= self.worker
    if row.due and row.due <= query.now and free and #list < (query.n or MANY) then
      row.worker, row.fence = self.worker, row.fence + 1
      row.lease = query.now + (query.lease or LEASE)
      list[#list + 1] = row
    end
  end
  return by_order(list)
end

--- As pix.journal's.
function Memory:run_renew(list, now)
  local held = {}
  for _, run in ipairs(list) do
    local row = self._rows[run.id]
    if row and row.fence == run.fence and not row.ended then
      row.lease, held[run.id] = now + run.lease, true
    end
  end
  return held
end

--- As pix.journal's.
function Memory:run_later(id, facts)
  local row = self._rows[id]
  if not row or row.fence ~= facts.fence then return stale(id) end
  row.due, row.worker, row.lease = facts.due, nil, nil
  return true
end

--- As pix.journal's.
function Memory:run_get(id)
  local row = self._rows[id]
  if not row then return nil end
  local run = shown(row)
  run.steps = values.copy(row.steps)
  return run
end

--- As pix.journal's.
function Memory:run_list(query)
  local list = {}
  query = query or {}
  for id, row in pairs(self._rows) do
    if id > (query.after or "") and (query.flow == nil or query.flow == row.flow)
      and (query.ended == nil or query.ended == row.ended) then
      list[#list + 1] = row
    end
  end
  return by_order(list)
end

--- A new journal of runs.
-- @tparam[opt] table options worker = name; forget = true: runs that have ended are dropped, and
--   nobody ever claims one, so that leases are not kept
function M.new(options)
  options = options or {}
  return setmetatable({ _rows = {}, _count = 0, worker = options.worker or core.random(8),
    _forget = options.forget, unshared = options.forget }, Memory)
end

return M
