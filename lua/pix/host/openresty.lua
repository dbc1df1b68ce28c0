--- Waiting inside OpenResty (nginx with lua-nginx-module): found by itself, needs no pix.use.
--
-- DESIGN: nginx cannot wait for a foreign descriptor, so one light thread per worker - the
-- *dispatcher*, in a timer of its own - listens at the reactor's doorbell, a unix socket at which a
-- byte comes whenever something is to be drained. It drains, and each waiter's semaphore lets its
-- request go on. The dispatcher exists only while somebody waits (and LINGER after that): it keeps
-- no worker from exiting. It is renewed now and then, because nginx frees what a timer allocated
-- only at its end. Nothing depends on its being alive: if nginx is out of timers, who waits looks
-- for himself every SLICE.
--
-- A request that nginx ends while it waits (its client has gone) leaves a waiter behind on whose
-- semaphore nobody waits; every BEAT the dispatcher forgets such ones. docs/internals/doorbell.md
local core = require "pix.core"
local pump = require "pix.host.pump"
local scheduler = require "pix.host.scheduler"
local semaphore = require "ngx.semaphore"

local ngx = require "ngx"

local M = { name = "openresty" }

local LINGER = 0.25 -- seconds that an idle dispatcher stays
local ROUNDS = 20000 -- bytes after which it is renewed
local BEAT = 5 -- seconds between two looks for waiters that nginx has ended
local SLICE = 0.02 -- seconds between two looks while there is no dispatcher
local PATIENCE = 1 -- seconds after which a timer that has not begun is given up
local LONGEST = 3600 -- seconds of one wait at a semaphore
local CONNECT = 5000 -- ms; the doorbell is in this process and answers at once
local READ = 86400000 -- ms; a byte comes every BEAT
local PORTION = 16 -- completions at most after which the worker sees to its other requests
local GROWTH = 4 -- portions of one completion, before there are some of two, and so on
local GLANCE = 0.005 -- seconds after which that is done, whatever happens
local MANY = 64 -- bytes taken at once

local waiters, waiting = {}, 0 -- set of those who wait, and their number
local spare = {} -- waiters to be used again
local idle = semaphore.new()
local idling = false -- the dispatcher waits at `idle`
local pause = semaphore.new()
local pausing -- whom the dispatcher lets go first: REQUEST or TIMER
local REQUEST, TIMER = 1, 2
local roused = 0 -- requests that were woken in this portion
local state, since -- nil, "starting" or "running"; when that began
local generation = 0 -- of dispatchers

-- ---- Where waiting is possible ----

local YIELDABLE = {
  rewrite = true, server_rewrite = true, access = true, content = true, timer = true,
  ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true,
}

local LATER = "start a timer, ngx.timer.at(0, function() … end), and call pix in it"
local EARLIER = "call pix in an earlier phase (rewrite, access or content) and keep the result in "
  .. "ngx.ctx"

local CURES = {
  init_worker = LATER, header_filter = EARLIER, body_filter = EARLIER, log = LATER,
  balancer = EARLIER, exit_worker = "the worker is ending: call pix before",
  set = "use rewrite_by_lua instead of set_by_lua",
}

local VETO = "pix: cannot wait here: this call comes through a C function that Lua cannot suspend "
  .. "(a callback of table.sort or string.gsub, a module being loaded by require, a metamethod). "
  .. "Collect what is needed there, and wait after it has returned"

local IN_RUN = "pix.run inside OpenResty would block the worker: a request is a task already; call "
  .. "pix directly, and pix.spawn for more at the same time"

--- May the running code wait? False in init_by_lua, where a call blocks; raises in every other
-- phase in which nginx cannot suspend Lua.
function M.active()
  local phase = ngx.get_phase()
  if phase == "init" then return false end
  if not YIELDABLE[phase] then
    local cure = CURES[phase] or LATER
    error(("pix: OpenResty cannot wait in the phase %s: %s"):format(phase, cure), 0)
  end
  if scheduler.current() then error(IN_RUN, 0) end
  if not core.yieldable() then error(VETO, 0) end
  return true
end

-- ---- Waiters ----

local Waiter = {}
Waiter.__index = Waiter

local function forget(waiter)
  if waiters[waiter] then
    waiters[waiter] = nil
    waiting = waiting - 1
  end
end

function Waiter:wake()
  if self.woken then return end
  self.woken = true
  forget(self)
  if self.semaphore:count() < 0 then roused = roused + 1 end
  self.semaphore:post()
end

local function take_waiter()
  local waiter = table.remove(spare)
  if not waiter then
    waiter = setmetatable({ semaphore = assert(semaphore.new()) }, Waiter)
  end
  waiter.woken = false
  waiters[waiter] = true
  waiting = waiting + 1
  return waiter
end

-- nginx has ended the thread that waited here. Only its timers are ended: a call tells by itself
-- what became of it, and may be awaited by others.
local function bury(waiter)
  waiter.woken = true
  forget(waiter)
  for i = 1, #waiter.futures do
    local future = waiter.futures[i]
    if future:what() == "timer" and pump.alone(future, waiter) then future:cancel() end
    pump.unwatch(future, waiter)
  end
end

local function sweep()
  for waiter in pairs(waiters) do
    if pump.any_ready(waiter.futures) then
      waiter:wake()
    elseif waiter.semaphore:count() >= 0 then
      bury(waiter)
    end
  end
end

-- ---- The dispatcher ----

local function connect()
  local path, err = core.reactor():doorbell()
  if not path then return nil, tostring(err) end
  local socket = ngx.socket.tcp()
  local ok
  socket:settimeouts(CONNECT, CONNECT, READ)
  ok, err = socket:connect("unix:" .. path)
  if ok then ok, err = socket:send("*\n") end
  if not ok then return nil, err end
  return socket
end

local function go_on(who)
  if pausing ~= who then return end
  pausing = nil
  pause:post()
end

local function let(who)
  pausing = who
  pause:wait(GLANCE)
  pausing = nil
end

local function on_timer()
  go_on(TIMER)
end

-- Ends when nginx has looked at its sockets. A turn of its loop has three parts: sockets, timers,
-- and what these have posted, such as the requests that were woken here. A timer of no time that is
-- set in either of the first two runs in this very turn, one that is set in the third in the next.
-- The third is where requests go on, so let one of them do so first. (ngx.sleep(0) is such a timer
-- as well, and where nginx lacks OpenResty's patches each one is a line in its log.)
local function let_others_run(first)
  if first then let(REQUEST) end
  if ngx.timer.at(0, on_timer) then let(TIMER) end
end

-- A few completions at a time: each lets a request go on, and the others wait meanwhile. The more
-- there are, the less it matters who waits: all do.
local function drain_by_portions()
  local portions, first = 0, true
  repeat
    local portion = math.min(PORTION, 1 + math.floor(portions / GROWTH))
    roused = 0
    local _, more = pump.drain(portion)
    if more and roused > 0 then
      let_others_run(first)
      first = false
    end
    portions = portions + 1
  until not more
end

-- False: nobody waits, and nobody came.
local function rest()
  if ngx.worker.exiting() then return false end
  idling = true
  local called = idle:wait(LINGER)
  idling = false
  return called
end

-- Ends when it is to be renewed or nobody waits: true; or nil and what went wrong.
local function listen(socket)
  local beat = core.timer(BEAT)
  for _ = 1, ROUNDS do
    drain_by_portions()
    if beat:ready() then
      sweep()
      beat = core.timer(BEAT)
    end
    if waiting == 0 then
      if not rest() then break end
    else
      local bytes, err = socket:receiveany(MANY)
      if not bytes then return nil, err end
    end
  end
  beat:cancel()
  return true
end

local function serve()
  local socket, err = connect()
  if not socket then return nil, err end
  local ok
  ok, err = listen(socket)
  socket:close()
  return ok, err
end

local start -- begins a dispatcher, unless there is one

local function dispatch(_, of)
  if generation ~= of then return end -- it began too late and was given up
  state = "running"
  local called, ok, err = pcall(serve)
  state, idling = nil, false
  if not (called and ok) then
    ngx.log(ngx.ERR, "pix: the dispatcher ended: ", tostring(called and err or ok))
    sweep()
    ngx.sleep(SLICE)
  end
  if waiting > 0 then start() end
end

start = function()
  generation, since = generation + 1, ngx.now()
  state = ngx.timer.at(0, dispatch, generation) and "starting" or nil
end

-- Sees to it that somebody drains. Returns the seconds for which one may trust in that.
local function rely()
  if state == "running" then
    if idling then
      idling = false
      idle:post()
    end
    return LONGEST
  end
  if state == "starting" and ngx.now() - since > PATIENCE then state = nil end
  if state == nil then start() end
  return SLICE
end

-- ---- Waiting ----

-- Suspends the light thread until the waiter is woken: true, or the time is over: false.
local function suspend(waiter, seconds)
  while not waiter.woken do
    local part = rely()
    if seconds and seconds < part then part = seconds end
    local ok, err = waiter.semaphore:wait(part)
    if ok then
      go_on(REQUEST)
      return true
    end
    if err ~= "timeout" then error("pix: OpenResty cannot wait here: " .. tostring(err), 0) end
    if state ~= "running" then pump.drain() end
    if seconds then
      seconds = seconds - part
      if seconds <= 0 then break end
    end
  end
  return false
end

local function wait(futures, seconds)
  local waiter = take_waiter()
  waiter.futures = futures
  for i = 1, #futures do
    pump.watch(futures[i], waiter)
  end
  if suspend(waiter, seconds) then
    spare[#spare + 1] = waiter
  end
  waiter.futures = nil
  forget(waiter)
  for i = 1, #futures do
    pump.unwatch(futures[i], waiter)
  end
  return pump.any_ready(futures)
end

--- Suspends the light thread until the future is ready: true; or `seconds` are over: false.
-- May yield.
function M.await(future, seconds)
  if future:ready() then return true end
  return wait({ future }, seconds)
end

--- The same for the first of several.
function M.await_any(futures, seconds)
  if pump.any_ready(futures) then return true end
  return wait(futures, seconds)
end

--- Runs f in a light thread of the request, which does not end before it.
function M.spawn(f)
  ngx.thread.spawn(f)
end

-- ---- What no request owns ----

local home -- { queue, called, began = number of threads } of the timer that takes new ones
local LIVES = 1000 -- threads after which a timer takes no more: its memory is freed at its end

local function live_in(mine)
  while home == mine do
    local f = table.remove(mine.queue, 1)
    if f then
      mine.began = mine.began + 1
      ngx.thread.spawn(f)
    elseif mine.began >= LIVES or not mine.called:wait(LINGER) and #mine.queue == 0 then
      home = nil
    end
  end
end

local function begin_home()
  local mine = { queue = {}, called = assert(semaphore.new()), began = 0 }
  local ok, err = ngx.timer.at(0, function() live_in(mine) end)
  if not ok then error("pix: OpenResty has no timer for a task: " .. tostring(err), 0) end
  home = mine
end

--- Runs f in a light thread of a timer, which lives until all that it began have ended.
function M.detach(f)
  if not home then begin_home() end
  table.insert(home.queue, f)
  home.called:post()
end

--- Is this nginx worker about to end?
function M.ending()
  return ngx.worker.exiting()
end

return M
