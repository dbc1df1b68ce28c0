--- Leases: a worker keeps its runs as long as it lives, however long they wait.
--
-- DESIGN: a lease is short. One *keeper* per journal, a task of its own, renews the leases of all
-- runs that are alive here, many in one transaction; a transition renews its run's by the way. A
-- worker that dies renews nothing, and another one claims its runs. A worker that only stood still
-- for too long finds out at its next write, or before it moves money (`hold`): the journal refuses
-- a fence that is old. Where the program is about to end in order (an nginx worker after a reload)
-- the keeper stops its runs, and each gives its lease back.
local core = require "pix.core"
local hosts = require "pix.host"
local tasks = require "pix.tasks"

local M = {}

M.SECONDS = 30

local BEATS = 3 -- renewals in the time of a lease: two may fail
local MARGIN = 0.1 -- share of a lease that must be left before money is moved
local MANY = 100 -- runs in one transaction
local PAUSE = 1 -- seconds between two tries of a journal that does not answer
local LOOK = 1 -- seconds between two looks whether the host is about to end

local keepers = setmetatable({}, { __mode = "k" }) -- journal -> keeper

local function wall()
  return core.reactor():wall()
end

-- ---- Renewing ----

local function note(run, now)
  run._held_until = now + run._lease
end

local function items_of(list)
  local items = {}
  for i, run in ipairs(list) do
    items[i] = { id = run.id, fence = run._fence, lease = run._lease }
  end
  return items
end

-- Renews some runs' leases; those that are in other hands are stopped. nil, err: nothing is known.
local function renew(journal, list)
  local now = wall()
  local held, err = journal:run_renew(items_of(list), now)
  if not held then return nil, err end
  for _, run in ipairs(list) do
    if held[run.id] then
      note(run, now)
    elseif not run.ended then
      run:lose()
    end
  end
  return true
end

-- Those that will need it before the next beat but one.
local function needy(keeper)
  local list, before = {}, wall()
  for run in pairs(keeper.runs) do
    if run._held_until - before < run._lease * (BEATS - 1) / BEATS then list[#list + 1] = run end
  end
  return list
end

local function renew_all(keeper)
  local list = needy(keeper)
  for first = 1, #list, MANY do
    local part = {}
    for i = first, math.min(#list, first + MANY - 1) do part[#part + 1] = list[i] end
    local ok, err = renew(keeper.journal, part)
    if not ok then
      if err.kind ~= "cancelled" then part[1]:complain(err) end -- by `stop`
      return false
    end
  end
  return true
end

-- ---- The keeper ----

local function ending()
  local host = hosts.current()
  return host.ending ~= nil and host.ending()
end

-- Sleeps, in portions where the host may be about to end. False: there is no more to keep.
local function rest(keeper, turn, seconds)
  local portion = hosts.current().ending and LOOK or seconds
  repeat
    seconds = seconds - portion
    if not tasks.sleep(portion) or keeper.turn ~= turn then return false end
  until seconds <= 0 or ending()
  return true
end

local function keeping(keeper, turn)
  local pause = keeper.lease / BEATS
  while keeper.turn == turn and rest(keeper, turn, pause) do
    if ending() then
      for run in pairs(keeper.runs) do run:stop() end
    end
    pause = renew_all(keeper) and keeper.lease / BEATS or PAUSE
  end
end

local function stop(keeper)
  keeper.turn = keeper.turn + 1
  if keeper.task then keeper.task:cancel() end
  keeper.task = nil
end

-- One that waits for the beat of a long lease would miss a short one's: another takes its place.
local function start(keeper, lease)
  stop(keeper)
  keeper.lease = lease
  keeper.task = tasks.detach(keeping, keeper, keeper.turn)
end

--- A run begins to be alive here: its lease is kept until `drop`.
function M.keep(run)
  run._lease = run._options.lease or M.SECONDS
  local journal = run._journal
  if journal.unshared then
    run._held_until = math.huge
    return
  end
  note(run, wall())
  local keeper = keepers[journal]
  if not keeper then
    keeper = { journal = journal, runs = {}, count = 0, turn = 0, lease = math.huge }
    keepers[journal] = keeper
  end
  keeper.runs[run], keeper.count = true, keeper.count + 1
  if run._lease < keeper.lease then start(keeper, run._lease) end
end

--- The run is not alive here any more.
function M.drop(run)
  local keeper = keepers[run._journal]
  if not (keeper and keeper.runs[run]) then return end
  keeper.runs[run], keeper.count = nil, keeper.count - 1
  if keeper.count > 0 then return end
  keeper.lease = math.huge
  stop(keeper)
end

--- How many runs of a journal are alive here.
function M.count(journal)
  return keepers[journal] and keepers[journal].count or 0
end

-- ---- One run ----

--- A write has renewed the run's lease.
function M.renewed(run, now)
  if not run._journal.unshared then note(run, now) end
end

--- Is the run still this worker's? Asks the journal when its lease may be over. May yield.
-- @treturn boolean
function M.hold(run)
  while not run._stopped do
    if run._held_until - wall() > run._lease * MARGIN then return true end
    local ok, err = renew(run._journal, { run })
    if not ok then
      run:complain(err)
      tasks.sleep(PAUSE)
    end
  end
  return false
end

return M
