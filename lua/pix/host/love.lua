--- Waiting inside LÖVE: `pix.use "love"`, and pix.update() once a frame.
--
-- Tasks of the built-in scheduler wait, and nothing else does: a call made anywhere else in a game
-- would freeze it, and is refused. Threads of love.thread have no frames; there a call blocks.
--
-- What a frame pays is kept small by three things. pix.update() takes on what fits into BUDGET, so
-- that a burst of answers is spread over frames. The reactor's thread is not woken for each request
-- while others are under way, it looks by itself. And luapix's own Lua is interpreted: a few steps
-- in a frame gain nothing from being compiled, which would take several times a step, in a frame.
local core = require "pix.core"
local scheduler = require "pix.host.scheduler"

local M = { name = "love", anywhere = true }

local BUDGET = 0.00006 -- seconds; a step that would end later is left, if it is not the first
local NAP = 0.004 -- seconds; a request leaves so much later, if others are under way

local FREEZE = "pix: this call would freeze the game until it is answered; make it in a task: "
  .. "pix.spawn(function() … end), with pix.update() in love.update"

local love = rawget(_G, "love")
if not love then
  error('pix.use "love": this program does not run in LÖVE; leave pix.use out, or start it with '
    .. "love", 0)
end

local interpret -- (value, seen)

local function interpret_function(f, seen)
  local source = debug.getinfo(f, "S").source
  if not source:find("pix[/\\.]") then return end -- C's, or the game's own
  jit.off(f, true)
  local i = 1
  repeat
    local name, value = debug.getupvalue(f, i)
    interpret(value, seen)
    i = i + 1
  until not name
end

-- Every function that can be reached from luapix's modules and is defined in one of them.
interpret = function(value, seen)
  local kind = type(value)
  if (kind ~= "function" and kind ~= "table") or seen[value] then return end
  seen[value] = true
  if kind == "function" then return interpret_function(value, seen) end
  for _, member in next, value do
    interpret(member, seen)
  end
  interpret(getmetatable(value), seen)
end

-- This module is not among those that are loaded yet.
local function interpret_modules()
  local seen = { [_G] = true, [package.loaded] = true, [love] = true }
  interpret(M, seen)
  for name, loaded in pairs(package.loaded) do
    if name == "pix" or name:find("^pix%.") then interpret(loaded, seen) end
  end
end

--- The scheduler, in its tasks; false: in a thread, or in virtual time, blocking is the host.
-- Raises where a frame would wait.
function M.active()
  if scheduler.active() then return scheduler end
  if love.run ~= nil and not core.reactor():is_virtual() then error(FREEZE, 0) end
  return false
end

scheduler.frame_budget = BUDGET
core.nap(NAP)
if rawget(_G, "jit") then interpret_modules() end

M.spawn = scheduler.spawn
M.await = scheduler.await
M.await_any = scheduler.await_any

return M
