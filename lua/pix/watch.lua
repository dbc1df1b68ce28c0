--- One watcher for all charges of a checkout: who looks, when, and what follows.
--
-- DESIGN: what is watched lies in the journal, each row with the time at which it is due; `run`
-- takes what is due under a lease and looks. Those who wait for a charge (charge:wait) pin it here:
-- it is looked at every 2-3 s at first. One of those who wait leads: it starts the looks of all,
-- and hands over when its own charge is done. A look is a task of its own, so that a
-- provider that hangs delays nobody else's; where a provider can list, one search serves all. Any
-- of these coroutines may be killed (by nginx, when a client goes away): a leader shows that he
-- lives, and what has lasted longer than it can is taken for ended.
local core = require "pix.core"
local hosts = require "pix.host"
local latch = require "pix.latch"
local metrics = require "pix.metrics"
local resolve = require "pix.resolve"
local settle = require "pix.checkout.settle"
local tasks = require "pix.tasks"
local waiting = require "pix.waiting"

local M = {}

local Watch = {}
Watch.__index = Watch

local GRACE = 86400 -- seconds after expiry during which a late payment is looked for
local SLOW = 300 -- seconds between two looks in that time, at least
local LATE_SHARE = 0.25 -- of a provider's budget, for charges that are over
local PACE = 60 / 36 -- seconds of a provider's budget that each watched charge costs
local LAST_LOOK = 5 -- seconds that the look at the end of a wait may take
local LISTED, LEASE = 1000, 180 -- rows that one search serves; seconds
local BEAT = 3 -- seconds; charges that one search serves fall due together
local LONGEST_SLEEP = 5
local LEADERLESS = 2 * LONGEST_SLEEP -- seconds without a sign of the leader's
local SWEEP = 60 -- seconds between two looks for what was left in flight
local LONGEST_LOOK, LONGER = 300, 60 -- seconds; after the end of a wait
local TICK = 0.001 -- seconds: a shorter sleep may not move the clock at all
local RESOLVE_FIRST, RESOLVE_LONGEST = 20, 3600
local CLOSED = { paid = true, refunded = true, expired = true, cancelled = true, rejected = true }

local function now()
  return core.reactor():now()
end

local function wall()
  return core.reactor():wall()
end

local function random()
  return tonumber(core.random(4), 16) / 2 ^ 32
end

--- @tparam table shop the checkout
function M.new(shop)
  return setmetatable({ _shop = shop, _pinned = {}, _known = {}, _count = {}, _bell = latch.new(),
    _late = {}, _flying = {}, _closed = false, _leader = false }, Watch)
end

-- ---- When ----

local function pending(row)
  return row.state == "answered" and not CLOSED[row.status]
end

-- Counts what is watched at each provider, to share its budget.
local function know(self, row)
  if self._known[row.id] then return end
  self._known[row.id] = { began = now(), provider = row.provider }
  self._count[row.provider] = (self._count[row.provider] or 0) + 1
  metrics.set("pix_waiting_charges", self._count[row.provider], row.provider)
end

local function forget(self, row)
  local known = self._known[row.id]
  if not known then return end
  self._known[row.id] = nil
  self._count[known.provider] = self._count[known.provider] - 1
  if known.late then self._late[known.provider] = self._late[known.provider] - 1 end
  metrics.set("pix_waiting_charges", self._count[known.provider], known.provider)
end

local function can_list(self, row)
  return self._shop._providers[row.provider]:supports "search"
end

-- Seconds between two looks that the program wants while somebody waits for the charge, or nil.
local function wanted(self, row)
  local _, every = self._shop._guard:pace(row.provider)
  return self._pinned[row.id] and every or nil
end

-- Seconds between two looks at each pending charge, so that the budget bears them all. What is over
-- and still watched has a share of its own: those whom nobody pays must not delay those who pay.
local function fair_pace(self, provider)
  local late = self._late[provider] or 0
  local pace = self._shop._guard:pace(provider) / (late > 0 and 1 - LATE_SHARE or 1)
  return pace * (self._count[provider] - late)
end

-- When a charge that is over is looked at again. One list tells of all of them.
local function late_due(self, row)
  local at, provider, known = wall(), row.provider, self._known[row.id]
  if can_list(self, row) then return math.ceil((at + SLOW) / SLOW) * SLOW end
  if known and not known.late then
    known.late, self._late[provider] = true, (self._late[provider] or 0) + 1
  end
  local pace = self._shop._guard:pace(provider) / LATE_SHARE
  return at + math.max(SLOW, pace * (self._late[provider] or 0))
end

-- Seconds until the next look at a pending charge.
local function interval(self, row, err)
  local known, every = self._known[row.id], wanted(self, row)
  local seconds, base = waiting.interval(now() - known.began, known.base, random(), every)
  if not every then known.base = base end
  if not can_list(self, row) then
    seconds = math.max(seconds, fair_pace(self, row.provider))
  elseif every then
    seconds = math.max(seconds, (self._shop._guard:pace(row.provider)))
  end
  return waiting.after_error(seconds, err)
end

-- How long after an unknown outcome's last look: twice as long each time.
local function resolve_delay(row)
  local age = math.max(0, wall() - row.created)
  return math.min(RESOLVE_LONGEST, math.max(RESOLVE_FIRST, age))
end

local function pending_due(self, row, err)
  local at, expires = wall(), row.expires
  local due = at + interval(self, row, err)
  if can_list(self, row) and not wanted(self, row) then due = math.ceil(due / BEAT) * BEAT end
  return expires and expires > at and math.min(due, expires) or due
end

-- When a row is due again (epoch); nil: never.
local function next_due(self, row, err)
  local at = wall()
  if row.state == "unknown" then return at + resolve_delay(row) end
  if err and err.code == "budget" then return at + PACE end
  if pending(row) then return pending_due(self, row, err) end
  if row.owed and row.due then return at + SLOW end -- could not be given back yet
  if row.status == "paid" or row.status == "refunded" or row.state == "failed" then return nil end
  if at > (row.expires or row.updated) + GRACE then return nil end
  return late_due(self, row)
end

-- ---- One look ----

-- The code is over: cancelled where that is possible, looked at a last time, then expired.
local function expire(self, row)
  local shop = self._shop
  if shop._providers[row.provider]:supports "cancel" then
    local status = settle.run(shop, row, "cancel", { as = "expired" })
    if status then return status end
  end
  local heard, err = shop._guard:read(row.provider, "status",
    { id = row.charge_id, amount = row.amount }, {})
  if not heard then return nil, err end
  if not CLOSED[heard.status] then
    heard = { status = "expired", raw_status = heard.raw_status }
  end
  return shop:_heard(row, heard)
end

-- A charge that an order went on without must not be paid: it is cancelled as soon as it is known.
local function drop_orphan(self, row)
  local shop = self._shop
  if not shop._providers[row.provider]:supports "cancel" then return nil end
  return settle.run(shop, row, "cancel")
end

--- One look at a row of the journal, and what follows from it. May yield.
-- @tparam table row
-- @tparam[opt] string lane "poll" or "order"
-- @tparam[opt] number deadline of the reactor's clock
-- @treturn string|nil what is known now, or nil and an error
function Watch:look(row, lane, deadline)
  local shop = self._shop
  if row.state == "unknown" then return resolve.look(shop, row, { lane = lane }) end
  if pending(row) and row.orphan then
    local status = drop_orphan(self, row)
    if status then return status end
  end
  if pending(row) and row.expires and row.expires <= wall() then return expire(self, row) end
  local heard, err = shop._guard:read(row.provider, "status",
    { id = row.charge_id, amount = row.amount }, { lane = lane, deadline = deadline })
  if not heard then return nil, err end
  return shop:_heard(row, heard)
end

-- ---- Looks as tasks ----

local function can_spawn(host)
  return host == hosts.scheduler or host == hosts.blocking or host.spawn ~= nil
end

local function is_flying(self, key)
  local flight = self._flying[key]
  if flight and now() - flight.began > LONGEST_LOOK then self._flying[key] = nil end
  return self._flying[key] ~= nil
end

local function fly(self, key, f)
  if is_flying(self, key) then return end
  local flight = { began = now() }
  self._flying[key] = flight
  local function body()
    local ok, problem = xpcall(f, debug.traceback)
    if self._flying[key] == flight then self._flying[key] = nil end
    self._bell:open()
    if not ok then
      self._shop:_log { level = "error", event = "watch", message = tostring(problem) }
    end
  end
  -- It serves all who wait, and must not end with the request of whoever starts it.
  if can_spawn(hosts.current()) then tasks.detach(body) else body() end
end

-- After a look: when again.
local function land(self, entry, err)
  local shop = self._shop
  local row = shop._store:get(entry.row.id) or entry.row
  row.fence = entry.row.fence
  entry.row, entry.err = row, err
  local due = next_due(self, row, err)
  if not due then forget(self, row) end
  if entry.claimed then
    entry.claimed = false
    shop._store:later(row.id, { fence = row.fence, due = due })
  end
  entry.next_at = due and now() + (due - wall()) or math.huge
  if entry.on_poll then
    for on_poll in pairs(entry.on_poll) do on_poll(entry.charge, err) end
  end
  entry.bell:open()
end

-- A list may lack a charge, because it is long or the provider's clock another: its next look is
-- one of its own. Kept with what is known of the row, for each claim makes a new entry.
local function look_alone(self, row, alone)
  local known = self._known[row.id]
  if known then known.alone = alone end
end

local function is_alone(self, row)
  return self._known[row.id] ~= nil and self._known[row.id].alone
end

-- The rows of one provider that one list can tell of.
local function search(self, provider, entries)
  local from = math.huge
  for _, entry in ipairs(entries) do
    from = math.min(from, entry.row.created)
  end
  local list, err = self._shop._guard:read(provider, "search",
    { from = from - 120, to = wall() + 120 }, { lane = "poll" })
  local by_id = {}
  for _, item in ipairs(list or {}) do
    by_id[item.id or ""] = item
  end
  for _, entry in ipairs(entries) do
    local item = by_id[entry.row.charge_id]
    if item then self._shop:_heard(entry.row, item) end
    look_alone(self, entry.row, list ~= nil and not item or (err and err.kind == "protocol"))
    land(self, entry, err)
  end
end

local function single(self, entry)
  local row, err = entry.row
  if row.owed then
    err = select(2, self._shop:_give_back(row))
  else
    err = select(2, self:look(row, "poll"))
  end
  look_alone(self, row, false)
  land(self, entry, err)
end

-- Those of a list that a search may serve, and the others.
local function divide(self, provider, entries)
  local together, alone = {}, {}
  local lists = self._shop._providers[provider]:supports "search"
  for _, entry in ipairs(entries) do
    local row = entry.row
    local expired = row.expires and row.expires <= wall() and pending(row)
    local plain = lists and row.charge_id and not (is_alone(self, row) or expired or row.orphan
      or row.owed or row.state == "unknown")
    table.insert(plain and together or alone, entry)
  end
  if #together == 1 then
    table.insert(alone, together[1])
    together = {}
  end
  return together, alone
end

local function start(self, provider, together, alone)
  if #together > 0 then
    for _, entry in ipairs(together) do
      entry.next_at = math.huge
    end
    fly(self, "search " .. provider, function() search(self, provider, together) end)
  end
  for _, entry in ipairs(alone) do
    entry.next_at = math.huge
    fly(self, entry.row.id, function() single(self, entry) end)
  end
end

-- ---- Pinned charges ----

-- Charges of one provider that can list are looked at together, when the first of them is due.
local function due_entries(self)
  local by_provider, at = {}, now() + TICK
  for _, entry in pairs(self._pinned) do
    if entry.next_at <= at and not is_flying(self, entry.row.id) then
      by_provider[entry.row.provider] = {}
    end
  end
  for provider, list in pairs(by_provider) do
    local lists = self._shop._providers[provider]:supports "search"
    for _, entry in pairs(self._pinned) do
      local due = entry.next_at <= at or (lists and entry.next_at < math.huge)
      if entry.row.provider == provider and due then list[#list + 1] = entry end
    end
  end
  return by_provider
end

-- Whose wait must be over was killed.
local function drop_killed(self)
  for id, entry in pairs(self._pinned) do
    if entry.over < now() then
      self._pinned[id] = nil
      forget(self, entry.row)
    end
  end
end

local function look_at_pinned(self)
  drop_killed(self)
  for provider, entries in pairs(due_entries(self)) do
    local room, seconds = self._shop._guard:room(provider, "status")
    local together, alone = divide(self, provider, entries)
    table.sort(alone, function(a, b) return a.next_at < b.next_at end)
    for i, entry in ipairs(room == 0 and entries or alone) do
      if i > room then entry.next_at = now() + seconds + PACE * (i - room - 1) end
    end
    for i = #alone, room + 1, -1 do
      alone[i] = nil
    end
    if room > 0 then start(self, provider, together, alone) end
  end
end

local function seconds_to_next(self, most)
  local at, seconds = now(), most
  for _, entry in pairs(self._pinned) do
    seconds = math.min(seconds, math.max(0, entry.next_at - at))
  end
  return seconds
end

local function pin(self, row, charge, timeout)
  local entry = self._pinned[row.id]
  if not entry then
    know(self, row)
    entry = { row = row, charge = charge, waiters = 0, bell = latch.new(), on_poll = {}, over = 0 }
    self._pinned[row.id] = entry
    entry.next_at = now() + math.max(0, interval(self, row) - math.max(0, wall() - row.updated))
  end
  entry.waiters = entry.waiters + 1
  entry.over = math.max(entry.over, now() + timeout + LONGER)
  return entry
end

local function unpin(self, entry)
  entry.waiters = entry.waiters - 1
  if entry.waiters == 0 and self._pinned[entry.row.id] == entry then
    self._pinned[entry.row.id] = nil
    forget(self, entry.row)
  end
end

local function drive(self, leader, entry, deadline)
  while self._leader == leader and not self._over(entry) and now() < deadline do
    leader.seen = now()
    look_at_pinned(self)
    local seconds = math.min(seconds_to_next(self, LONGEST_SLEEP), deadline - now())
    if not self._over(entry) then
      local ok, err = self._bell:wait(math.max(TICK, seconds))
      if ok == nil then return nil, err end
    end
  end
  return true
end

-- Leads until its own charge is over or the time is; then one of the others does.
local function lead(self, entry, deadline)
  local leader = { seen = now() }
  self._leader = leader
  local fine, ok, err = pcall(drive, self, leader, entry, deadline)
  if self._leader == leader then self._leader = false end
  for _, other in pairs(self._pinned) do
    other.bell:open()
  end
  if not fine then error(ok, 0) end
  return ok, err
end

local function is_led(self)
  return self._leader and now() - self._leader.seen < LEADERLESS
end

-- Waits for the leader's looks, or to become the leader.
local function follow(self, entry, deadline)
  while is_led(self) and not self._over(entry) and now() < deadline do
    local seconds = math.min(deadline - now(), LONGEST_SLEEP)
    local ok, err = entry.bell:wait(math.max(TICK, seconds))
    if ok == nil then return nil, err end
  end
  return true
end

-- What ends a wait: the status, or an error that will not pass.
function Watch._over(entry)
  if CLOSED[entry.charge.status] then return true end
  local err = entry.err
  return err ~= nil and err.kind ~= "cancelled" and not waiting.passing(err)
    and err.kind ~= "journal"
end

local function stay(self, entry, deadline)
  while not self._over(entry) and now() < deadline do
    local wait_here = is_led(self) and follow or lead
    local ok, err = wait_here(self, entry, deadline)
    if not ok then return nil, err end
  end
  return true
end

-- The last look, when the time is over.
local function last_look(self, entry)
  local status, err = self:look(entry.row, "poll", now() + LAST_LOOK)
  entry.err = err
  if not status and not waiting.passing(err) then return nil, err end
  return true, err
end

--- Waits until a charge is paid, or cannot be paid any more. May yield.
-- @tparam table row its operation
-- @tparam table charge the object that is moved
-- @tparam number timeout seconds
-- @tparam[opt] function on_poll
-- @treturn string|nil the status; or nil and an error; or nil, nil and the last look's error when
--   the time is over
function Watch:wait(row, charge, timeout, on_poll)
  local entry = pin(self, row, charge, timeout)
  if on_poll then entry.on_poll[on_poll] = true end
  self._bell:open()
  local ok, err = stay(self, entry, now() + timeout)
  local problem = entry.err
  if ok and not self._over(entry) then ok, problem = last_look(self, entry) end
  if on_poll then entry.on_poll[on_poll] = nil end
  unpin(self, entry)
  if CLOSED[charge.status] then return charge.status end
  if not ok then return nil, err or problem end
  if self._over(entry) then return nil, entry.err end
  return nil, nil, problem
end

--- What was heard of a row from elsewhere: those who wait for it look up.
function Watch:ring(id)
  local entry = self._pinned[id]
  if entry then entry.bell:open() end
  self._bell:open()
end

-- ---- The journal's work list ----

local function claimed(self, rows)
  local entries = {}
  for _, row in ipairs(rows) do
    if self._pinned[row.id] then -- looked at by those who wait
      self._shop._store:later(row.id, { fence = row.fence, due = wall() + 60 })
    else
      know(self, row)
      entries[#entries + 1] = { row = row, claimed = true, bell = latch.new(), next_at = 0,
        charge = self._shop:_charge_of(row) }
    end
  end
  return entries
end

-- As many as the provider's budget allows to be looked at now: the others stay where they are.
local function claim(self, provider)
  local room = self._shop._guard:room(provider, "status")
  if room == 0 then return 0 end
  local lists = self._shop._providers[provider]:supports "search"
  local rows, err = self._shop._store:claim { now = wall(), lease = LEASE, provider = provider,
    n = lists and LISTED or room }
  if not rows then return nil, err end
  start(self, provider, divide(self, provider, claimed(self, rows)))
  return #rows
end

--- Takes what is due and looks at it. May yield; the looks go on as tasks.
-- @treturn integer|nil rows taken, or nil and an error
function Watch:round()
  local sum = 0
  for _, provider in ipairs(self._shop._settings.names) do
    local count, err = claim(self, provider)
    if not count then return nil, err end
    sum = sum + count
  end
  return sum
end

local function idle(self)
  for key in pairs(self._flying) do
    if is_flying(self, key) then return false end
  end
  local list = self._shop._store:watched { n = 1 }
  return list ~= nil and #list == 0
end

-- Seconds until something is due.
local function rest(self)
  local list = self._shop._store:watched { n = 1 }
  local due = list and list[1] and list[1].due
  if not due then return LONGEST_SLEEP end
  if due <= wall() then return PACE end -- more than the budget allows
  return math.max(0.25, math.min(LONGEST_SLEEP, due - wall()))
end

-- What a process that died, or a coroutine that was killed, has left in flight becomes unknown when
-- its lease is over, and is looked into (G3, G4).
local function sweep(self)
  if self._swept and now() < self._swept + SWEEP then return end
  self._swept = now()
  self._shop._store:recover { now = wall() }
end

--- Watches until the checkout is closed. May yield; a task of its own, or the program's main loop.
-- @tparam[opt] table options idle = true: ends when nothing is left to be watched; for = seconds
-- @treturn boolean|nil true; or nil and an error when the task was cancelled
function Watch:run(options)
  options = options or {}
  local deadline = now() + (options["for"] or math.huge)
  while not self._closed and now() < deadline do
    sweep(self)
    local _, err = self:round()
    if err and err.kind == "cancelled" then return nil, err end
    look_at_pinned(self)
    self._shop:_tell()
    if options.idle and idle(self) then return true end
    local seconds = math.min(seconds_to_next(self, rest(self)), deadline - now())
    local ok, cancelled = self._bell:wait(math.max(0.05, seconds))
    if ok == nil then return nil, cancelled end
  end
  return true
end

--- Ends `run`.
function Watch:close()
  self._closed = true
  self._bell:open()
end

M.CLOSED = CLOSED

return M
