--- What the adapters of foreign event loops (luv, copas, cqueues) share.
--
-- DESIGN: `parking` serves loops in which a coroutine is resumed by hand. Who waits is a *waiter*;
-- `wake` puts it into `ready` and nothing else. A *turn*, which the loop takes when the reactor's
-- descriptor is readable, drains and then resumes them. When somebody else drains (a blocking wait
-- in the same program) a fulfilled promise makes the descriptor readable again, so that the loop
-- takes its turn. The loop listens to the descriptor only while somebody waits: it may end else.
local core = require "pix.core"
local pump = require "pix.host.pump"
local scheduler = require "pix.host.scheduler"

local M = {}

local FOREIGN = "pix: something else resumed this coroutine while it waited for pix; "
  .. "wait for one thing at a time in a coroutine"

--- Is the running code a coroutine that a foreign loop may suspend? Not so in tasks of our own
-- scheduler, nor in virtual time (pix.testing), where nothing has to be waited for. Raises in a
-- coroutine that cannot be suspended here.
-- @treturn boolean
function M.suspendable()
  if scheduler.current() or core.reactor():is_virtual() then return false end
  local co, is_main = coroutine.running()
  if not co or is_main then return false end
  if not core.yieldable() then error(scheduler.VETO, 0) end
  return true
end

M.any_ready = pump.any_ready

--- Has the waiter woken by whichever future is ready first.
function M.watch(futures, waiter)
  for i = 1, #futures do
    pump.watch(futures[i], waiter)
  end
end

-- Takes back what watch asked for.
function M.unwatch(futures, waiter)
  for i = 1, #futures do
    pump.unwatch(futures[i], waiter)
  end
end

--- Gives `host` its await and await_any.
-- @tparam table host
-- @tparam function wait(futures, seconds) suspends until one of them is ready or the time is over
function M.complete(host, wait)
  function host.await_any(futures, seconds)
    if M.any_ready(futures) then return true end
    wait(futures, seconds)
    return M.any_ready(futures)
  end
  function host.await(future, seconds)
    return host.await_any({ future }, seconds)
  end
  return host
end

-- ---- Waiters that are resumed by hand ----

local Waiter = {}
Waiter.__index = Waiter

function Waiter:wake()
  if self.woken then return end
  self.woken = true
  self.parking:add(self)
end

--- The time of this wait is over, says the loop.
function Waiter:expire()
  self.late = true
  self.parking:resume(self)
end

local Parking = {}
Parking.__index = Parking

function Parking:add(waiter)
  self.ready[#self.ready + 1] = waiter
  if self.draining or self.called then return end
  self.called = true
  core.promise():fulfil(true)
end

-- A coroutine that was closed, or resumed by a stranger, does not wait any more.
function Parking:resume(waiter)
  if waiter.over then return end
  if coroutine.status(waiter.co) == "dead" then return self:leave(waiter) end
  self.loop.resume(waiter)
end

function Parking:leave(waiter)
  if waiter.over then return end
  waiter.over = true
  self.waiting = self.waiting - 1
  M.unwatch(waiter.futures, waiter)
  if self.waiting == 0 then self.loop.rest() end
end

--- Drains, and resumes those who waited for what came. For the loop's callback.
function Parking:turn()
  self.draining = true
  local ok, err = pcall(pump.drain)
  self.draining, self.called = false, false
  local ready = self.ready
  self.ready = {}
  for i = 1, #ready do
    self:resume(ready[i])
  end
  if not ok then error(err, 0) end
end

--- Suspends the running coroutine until one of the futures is ready, or the time is over.
function Parking:wait(futures, seconds)
  local waiter = setmetatable({ co = coroutine.running(), futures = futures, parking = self },
    Waiter)
  M.watch(futures, waiter)
  self.waiting = self.waiting + 1
  if self.waiting == 1 then self.loop.listen() end
  self.loop.suspend(waiter, seconds)
  self:leave(waiter)
  if not (waiter.woken or waiter.late) then error(FOREIGN, 0) end
end

--- @tparam table loop { suspend(waiter, seconds): yield, and see to waiter:expire();
--   resume(waiter); listen(): call parking:turn() whenever the descriptor is readable, until
--   rest() }
function M.parking(loop)
  return setmetatable({ loop = loop, waiting = 0, ready = {}, draining = false }, Parking)
end

return M
