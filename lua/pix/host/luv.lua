--- Waiting inside luv (libuv): `pix.use "luv"`.
--
-- Any coroutine may wait; it is resumed from a poll handle's callback while uv.run() runs. Before
-- uv.run() a call outside coroutines blocks; in a callback of the loop it is refused.
local uv = require "luv"

local core = require "pix.core"
local adapter = require "pix.host.adapter"
local scheduler = require "pix.host.scheduler"

local M = { name = "luv", anywhere = true }

local IN_CALLBACK = "pix: a callback of luv cannot wait, it would stop the loop; start a coroutine "
  .. "in it: pix.spawn(function() … end)"

local parking
local poll, polled -- the handle, and the reactor whose descriptor it watches

--- Can the running code be suspended? Raises in callbacks.
function M.active()
  if adapter.suspendable() then return true end
  if uv.loop_mode() and not (scheduler.current() or core.reactor():is_virtual()) then
    error(IN_CALLBACK, 0)
  end
  return false
end

-- An error here would end the process: libuv's callbacks have nobody above them.
local function resume(waiter)
  local ok, err = coroutine.resume(waiter.co)
  if not ok then scheduler.unheard { _failure = debug.traceback(waiter.co, tostring(err)) } end
end

local function suspend(waiter, seconds)
  if not seconds then return coroutine.yield() end
  local timer = uv.new_timer()
  uv.update_time() -- the loop's clock may be old
  timer:start(math.ceil(seconds * 1000), 0, function() waiter:expire() end)
  coroutine.yield()
  timer:close()
end

local function turn(problem)
  if problem then error("pix: luv cannot poll the reactor: " .. problem, 0) end
  parking:turn()
end

-- The reactor is another one after a fork.
local function listen()
  local reactor = core.reactor()
  if polled ~= reactor then
    if poll then poll:close() end
    poll, polled = assert(uv.new_poll(reactor:fd())), reactor
  end
  poll:start("r", turn)
end

local function rest()
  poll:stop()
end

parking = adapter.parking { suspend = suspend, resume = resume, listen = listen, rest = rest }

--- Runs f in a new coroutine, at once.
function M.spawn(f)
  coroutine.wrap(f)()
end

return adapter.complete(M, function(futures, seconds) parking:wait(futures, seconds) end)
