--- What comes out of the reactor, and who waits for it.
--
-- DESIGN: a *waiter* is any table with a method `wake(self, subject)`. It is registered for a
-- subject - a future, or a task - and woken once when that subject is ready. `drain` is the only
-- place that takes futures out of the reactor, whoever calls it (the scheduler, a blocking wait, an
-- adapter), so that no completion can be lost to the wrong reader. `wake` only makes a note; it
-- never runs a task, therefore draining inside a task is safe.
local core = require "pix.core"

local M = {}

local waiting = {} -- subject -> waiter, or { many = true, waiter, … }
local drained = {} -- reused by every drain
local driver -- moves a virtual reactor; set by pix.testing

local STUCK = "pix: nothing can move any more: every task waits for another one, "
  .. "or for a promise that nobody is left to fulfil"

--- Is one of these futures or tasks ready?
-- @treturn boolean
function M.any_ready(list)
  for i = 1, #list do
    if list[i]:ready() then return true end
  end
  return false
end

--- Registers a waiter; it is woken once, by the drain that brings the subject.
function M.watch(subject, waiter)
  local present = waiting[subject]
  if not present then
    waiting[subject] = waiter
  elseif present.many then
    present[#present + 1] = waiter
  else
    waiting[subject] = { many = true, present, waiter }
  end
end

--- Forgets a waiter that no longer wants to be woken.
function M.unwatch(subject, waiter)
  local present = waiting[subject]
  if present == waiter then
    waiting[subject] = nil
  elseif present and present.many then
    for i = #present, 1, -1 do
      if present[i] == waiter then table.remove(present, i) end
    end
  end
end

--- Does anybody wait for the subject?
function M.watched(subject)
  return waiting[subject] ~= nil
end

--- Is this waiter the only one that waits for the subject?
function M.alone(subject, waiter)
  return waiting[subject] == waiter
end

--- Wakes everybody who waits for the subject; returns whether there was anybody.
function M.fire(subject)
  local waiter = waiting[subject]
  if not waiter then return false end
  waiting[subject] = nil
  if not waiter.many then
    waiter:wake(subject)
    return true
  end
  for i = 1, #waiter do
    waiter[i]:wake(subject)
  end
  return #waiter > 0
end

--- Takes out of the reactor what is ready and wakes who waits for it. Never blocks.
-- @tparam[opt] integer most steps at once, for a loop that must not be held up
-- @treturn integer futures that became ready
-- @treturn boolean is there more to be drained?
function M.drain(most)
  local fire, list = M.fire, drained
  local count, more = core.reactor():drain(list, most)
  for i = 1, count do
    local future = list[i]
    list[i] = nil
    fire(future)
  end
  return count, more
end

-- Without a driver only timers can move a virtual reactor.
local function advance(reactor)
  if M.drain() > 0 then return end
  local seconds = reactor:next_timer()
  if not seconds then error(STUCK, 0) end
  reactor:advance(seconds)
end

-- A real reactor without work would be waited for until the end of time. A promise may have been
-- fulfilled since the last look, so look before complaining.
local function check_progress(reactor)
  if reactor:pending() > 0 or M.drain() > 0 then return true end
  if reactor:pending() == 0 then error(STUCK, 0) end
  return true
end

--- Blocks until something can be drained. A signal makes it go round once more: the hook by which
-- Lua's own program raises "interrupted!" runs between two turns.
function M.idle()
  if driver then return driver(true) end
  local reactor = core.reactor()
  if reactor:is_virtual() then return advance(reactor) end
  check_progress(reactor)
  repeat
    local why = reactor:wait(-1)
  until why ~= "signal"
end

--- Waits `seconds` at most for something to drain. In virtual time nothing is waited for.
function M.wait(seconds)
  if not driver then core.reactor():wait(seconds) end
end

--- Would a poll bring nothing?
function M.quiet()
  return not driver and core.quiet()
end

--- Drains what is there, without blocking.
-- @tparam[opt] function over is the time over? asked after each step; the rest is left
function M.poll(over)
  if driver then driver(false) end
  if not over then return M.drain() end
  repeat
    local _, more = M.drain(1)
  until over() or not more
end

--- Gives the virtual reactor somebody who answers its requests: `driver(may_advance)`; nil = none.
function M.set_driver(new)
  driver = new
end

return M
