--- Waiting inside cqueues: found by itself in a coroutine that a cqueue runs.
--
-- Each waiter has a condition. One coroutine per cqueue, which exists only while somebody waits
-- there, polls the reactor and drains; what comes rings the waiters' conditions, in whichever
-- cqueue they are.
local cqueues = require "cqueues"
local condition = require "cqueues.condition"

local core = require "pix.core"
local pump = require "pix.host.pump"
local adapter = require "pix.host.adapter"

local M = { name = "cqueues", anywhere = true }

local OUTSIDE = "pix.spawn: no cqueue runs here; start it with queue:wrap(function() … end), which "
  .. "may call pix.spawn"

local crowds = setmetatable({}, { __mode = "k" }) -- cqueue -> { count, bell }

--- Is the running code a coroutine that a cqueue resumed? In a private one inside it a wait blocks.
function M.active()
  local _, direct = cqueues.running()
  return direct and adapter.suspendable()
end

local Waiter = {}
Waiter.__index = Waiter

function Waiter:wake()
  self.woken = true
  self.bell:signal()
end

local function serve(crowd)
  while crowd.count > 0 do
    cqueues.poll(core.reactor(), crowd.bell)
    pump.drain()
  end
  crowd.served = false
end

local function enter()
  local queue = cqueues.running()
  local crowd = crowds[queue]
  if not crowd then
    crowd = { count = 0, bell = condition.new() }
    crowds[queue] = crowd
  end
  crowd.count = crowd.count + 1
  if not crowd.served then
    crowd.served = true
    queue:wrap(serve, crowd)
  end
  return crowd
end

local function wait(futures, seconds)
  local waiter = setmetatable({ bell = condition.new() }, Waiter)
  adapter.watch(futures, waiter)
  local crowd = enter()
  local deadline = seconds and cqueues.monotime() + seconds
  repeat
    local left = deadline and math.max(0, deadline - cqueues.monotime())
    waiter.bell:wait(left)
  until waiter.woken or left == 0
  crowd.count = crowd.count - 1
  if crowd.count == 0 then crowd.bell:signal() end
  adapter.unwatch(futures, waiter)
end

--- Runs f in a new coroutine of the running cqueue.
function M.spawn(f)
  local queue = cqueues.running()
  if not queue then error(OUTSIDE, 0) end
  queue:wrap(f)
end

return adapter.complete(M, wait)
