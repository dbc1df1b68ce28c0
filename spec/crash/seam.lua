--- Where a child of the crash specs dies. It is required by spec/crash/child.lua and by nothing
-- else: it wraps methods of the journal and of one shop's guard, so the product pays nothing.
--
--   before_intent   journal:intent was called, and has done nothing yet
--   after_intent    journal:intent has returned: the intent is on the disk, nothing was sent
--   after_connect   the request's connection was accepted, and nothing read  (spec/crash/gate.lua)
--   after_bytes     the provider has done the work, and its answer was kept back     (the same)
--   after_response  the answer is in Lua, decoded; the journal was not told of it
--   before_commit   the transaction with the outcome was made, and is not handed over
--   after_commit    it is committed, event and all; nobody was told of the event
--   after_event     the program has had the event; it is not acknowledged
--
-- SIGKILL comes from a shell that the dying call waits for: no line of Lua runs between the point
-- and the end.
local journals = require "pix.journal"

local M = {}

M.POINTS = { "before_intent", "after_intent", "after_connect", "after_bytes", "after_response",
  "before_commit", "after_commit" }

-- Which method of the journal records an operation's outcome.
local OUTCOME = { charge = "answered", subscribe = "answered", cancel = "answered",
  refund = "answered", status = "status" }

local ON_THE_WIRE = { after_connect = true, after_bytes = true }

local function die()
  os.execute("kill -9 $PPID")
end

local function arm_gate(folder, point)
  local pid = assert(io.open(folder .. "/pid")):read("*l")
  local file = assert(io.open(folder .. "/arming", "w"))
  file:write(point, " ", pid)
  file:close()
  assert(os.rename(folder .. "/arming", folder .. "/armed"))
end

local function wrap_intent(operation, before, after)
  local intent = journals.Journal.intent
  function journals.Journal.intent(self, facts)
    local mine = (facts.kind or "charge") == operation
    if mine and before then die() end
    local row, fresh = intent(self, facts)
    if mine and after then die() end
    return row, fresh
  end
end

-- The kind of an operation is not among what `answered` is told: it is looked up.
local function wrap_outcome(operation, before, after)
  local Journal = journals.Journal
  local name = OUTCOME[operation]
  local method, submit, handing_over = Journal[name], Journal._submit, false
  function Journal:_submit(list)
    if handing_over and before then die() end
    return submit(self, list)
  end
  Journal[name] = function(self, id, facts)
    local row = self:get(id)
    local mine = row.kind == operation or operation == "status"
    handing_over = mine
    local results, changed = method(self, id, facts)
    handing_over = false
    if mine and after then die() end
    return results, changed
  end
end

local function wrap_guard(guard, operation, folder, point)
  local call = guard.call
  function guard.call(self, name, asked, ...)
    local mine = asked == operation
    if mine and ON_THE_WIRE[point] then arm_gate(folder, point) end
    local value, err = call(self, name, asked, ...)
    if mine and point == "after_response" then die() end
    return value, err
  end
end

--- Makes this process die at a point of an operation.
-- @tparam table shop the checkout, nothing done with it yet
-- @tparam string operation charge, cancel, refund, subscribe or status
-- @tparam string point one of M.POINTS
-- @tparam string folder where the gate looks
function M.plant(shop, operation, point, folder)
  wrap_intent(operation, point == "before_intent", point == "after_intent")
  wrap_outcome(operation, point == "before_commit", point == "after_commit")
  wrap_guard(shop._guard, operation, folder, point)
end

--- Makes this process die when it hands over its n-th transaction: all before it are committed.
function M.plant_transaction(n)
  local submit, count = journals.Journal._submit, 0
  function journals.Journal._submit(self, list)
    count = count + 1
    if count == n then die() end
    return submit(self, list)
  end
end

--- For on_event: dies when the program has had its event.
function M.after_event()
  die()
end

return M
