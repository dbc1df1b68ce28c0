--- Waiting inside copas: `pix.use "copas"`. Written for Copas 1.1.7 (what Debian calls 1.2.0; Lua
-- 5.1 and LuaJIT only), which has no means to pause a thread, and for 2.0 and later, which have.
--
-- One thread of copas' own, which exists only while somebody waits, reads a pretended socket whose
-- descriptor is the reactor's. select() takes no descriptors from 1024 on: call pix early.
local copas = require "copas"

local core = require "pix.core"
local adapter = require "pix.host.adapter"

local M = { name = "copas", anywhere = true }

M.active = adapter.suspendable

local parking
local reading = false -- the thread that reads the bell exists

local bell = { rung = false }

function bell.getfd() return core.reactor():fd() end
function bell.dirty() return false end
function bell.settimeout() return 1 end
function bell.close() return 1 end

-- Copas tries to read before it waits, and again when the descriptor is readable.
function bell:receive()
  self.rung = not self.rung
  if self.rung then return nil, "timeout" end
  return "ready"
end

local function read_bell()
  while parking.waiting > 0 do
    bell.rung = false
    copas.receive(bell, 1)
    parking:turn()
  end
  reading = false
end

local function listen()
  if reading then return end
  reading = true
  copas.addthread(read_bell)
end

-- The last one who waits has gone; a copas that can end must not wait for the bell.
local function rest()
  if copas.wakeup then core.promise():fulfil(true) end
end

-- Copas 1.1.7 puts a thread that yields (key, queue) into that queue, and drops any other; this one
-- keeps nothing, and copas.addthread resumes whatever thread it is given.
local QUEUE = { insert = function() end, push = function() end }

local function suspend(waiter, seconds)
  local timer = seconds and core.timer(seconds)
  if timer then adapter.watch({ timer }, waiter) end
  if copas.wakeup then
    (copas.pauseforever or copas.sleep)(-1)
  else
    coroutine.yield(waiter, QUEUE)
  end
  if not timer then return end
  adapter.unwatch({ timer }, waiter)
  timer:cancel()
end

local function resume(waiter)
  if copas.wakeup then return copas.wakeup(waiter.co) end
  copas.addthread(waiter.co)
end

parking = adapter.parking { suspend = suspend, resume = resume, listen = listen, rest = rest }

--- Runs f in a new thread of copas.
function M.spawn(f)
  copas.addthread(f)
end

return adapter.complete(M, function(futures, seconds) parking:wait(futures, seconds) end)
