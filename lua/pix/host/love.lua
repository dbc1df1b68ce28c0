--- Waiting inside LÖVE: `pix.use "love"`, and pix.update() once a frame.
--
-- Tasks of the built-in scheduler wait, and nothing else does: a call made anywhere else in a game
-- would freeze it, and is refused. Threads of love.thread have no frames; there a call blocks.
-- pix.update() takes on what fits into BUDGET, so that a burst of answers is spread over frames.
local core = require "pix.core"
local scheduler = require "pix.host.scheduler"

local M = { name = "love", anywhere = true }

local BUDGET = 0.00005 -- seconds; the last step that begins within it ends after it

local FREEZE = "pix: this call would freeze the game until it is answered; make it in a task: "
  .. "pix.spawn(function() … end), with pix.update() in love.update"

local love = rawget(_G, "love")
if not love then
  error('pix.use "love": this program does not run in LÖVE; leave pix.use out, or start it with '
    .. "love", 0)
end

--- False: the scheduler, or in a thread blocking, is the host. Raises where a frame would wait.
function M.active()
  local has_frames = love.run ~= nil and not core.reactor():is_virtual()
  if has_frames and not scheduler.active() then error(FREEZE, 0) end
  return false
end

scheduler.frame_budget = BUDGET

M.spawn = scheduler.spawn
M.await = scheduler.await
M.await_any = scheduler.await_any

return M
