--- Waiting where no coroutine can be suspended: the thread sleeps in the reactor's descriptor.
-- It drives everything meanwhile, so that no other future is lost. The host of last resort.
local core = require "pix.core"
local pump = require "pix.host.pump"

local M = { name = "blocking" }

-- The default turn: wait, then take out what came.
local function turn()
  pump.idle()
  pump.drain()
end

--- Blocks until one of the list is ready: true; or `seconds` are over: false.
-- @tparam table list futures, tasks
-- @tparam[opt] number seconds
-- @tparam[opt] function step what to do between two looks (the scheduler's turn)
function M.await_any(list, seconds, step)
  step = step or turn
  local timer = seconds and core.timer(seconds)
  while not pump.any_ready(list) do
    if timer and timer:ready() then return false end
    step()
  end
  if timer then timer:cancel() end
  return true
end

--- Blocks until the future is ready: true; or `seconds` are over: false.
function M.await(future, seconds, step)
  if seconds then return M.await_any({ future }, seconds, step) end
  step = step or turn
  while not future:ready() do
    step()
  end
  return true
end

return M
