--- How the running code waits for a future: the host, chosen anew at every call.
--
-- Order: what `pix.use` was told > OpenResty > a running cqueues > the built-in scheduler, inside
-- its tasks > blocking. A host is a table of a few functions (docs/hosts.md):
--   name                      string
--   await(future, seconds)    suspend the running coroutine until future:ready() → true, or until
--                             `seconds` (may be nil) are over → false
--   await_any(list, seconds)  optional: the same for the first of several
--   active()                  optional: can the running code be suspended by this host? default yes
--   spawn(f)                  optional: run f in a new coroutine of the host
--   anywhere                  optional, true: spawn may be called outside the host's coroutines too
-- An adapter is told of ready futures by `pump`: watch, drain, and `core.reactor():fd()`.
local core = require "pix.core"
local pump = require "pix.host.pump"
local blocking = require "pix.host.blocking"
local scheduler = require "pix.host.scheduler"

local M = { pump = pump, blocking = blocking, scheduler = scheduler }

local LONGEST_TIMER = 86400 -- seconds; what core.timer takes

local chosen -- by pix.use
local guests = setmetatable({}, { __mode = "k" }) -- coroutine of another host -> its task
local found = {} -- name -> adapter, or false: this installation has none

-- Loads an adapter that comes as a file; false if there is none.
local function adapter(name)
  if found[name] == nil then
    local ok, host = pcall(require, "pix.host." .. name)
    local absent = "module 'pix.host." .. name .. "' not found"
    if not ok and not tostring(host):find(absent, 1, true) then error(host, 0) end
    found[name] = ok and host or false
  end
  return found[name]
end

local function check_host(host)
  if type(host.await) ~= "function" then
    error("pix.use: a host needs a function await(future, seconds); see docs/hosts.md", 3)
  end
  return host
end

--- Decides how the program waits from now on.
-- @param host "copas", "luv", "cqueues", "openresty", "love", "scheduler", "blocking", a table that
--   keeps the contract above, or nil: found anew at every call
-- @return the former choice
function M.use(host)
  local before = chosen
  if host == nil then
    chosen = nil
  elseif type(host) == "table" then
    chosen = check_host(host)
  elseif type(host) ~= "string" then
    error("pix.use: a host's name or table was expected, not " .. type(host), 2)
  else
    chosen = adapter(host) or error("pix.use: there is no host \"" .. host .. "\" in this "
      .. "installation (no module pix.host." .. host .. "); give a table with a function "
      .. "await(future, seconds) instead", 2)
  end
  return before
end

local function openresty()
  local host = adapter("openresty")
  if not host then
    error("pix: inside OpenResty a call must not block the worker, and the host adapter "
      .. "pix.host.openresty is not installed", 0)
  end
  return (not host.active or host.active()) and host or nil
end

local function cqueues_running()
  local cqueues = package.loaded.cqueues
  if type(cqueues) ~= "table" or not cqueues.running() then return nil end
  local host = adapter("cqueues")
  return host and host.active() and host or nil
end

-- The hosts that are found without being asked for.
local function detect()
  if rawget(_G, "ngx") then return openresty() end
  if package.loaded.cqueues then return cqueues_running() end
end

--- The host of the running code. Raises where waiting is impossible: before anything is sent.
-- @treturn table
function M.current()
  if chosen then
    local answer = not chosen.active or chosen.active()
    if answer == scheduler then return scheduler end
    if answer then return chosen end
  end
  local host = detect()
  if host then return host end
  if scheduler.active() then return scheduler end
  return blocking
end

--- The host in which a task begins. A loop can be given work from outside its coroutines; in
-- virtual time there is nothing that another loop could wait for.
-- @treturn table
function M.spawning()
  if chosen and chosen.anywhere and not core.reactor():is_virtual() then return chosen end
  return M.current()
end

-- A host that can only wait for one future is given a promise that the first of them fulfils. Two
-- may come out of one drain, and a promise is fulfilled once.
local function await_promise(host, list, seconds)
  local promise = core.promise()
  local waiter = { wake = function() pcall(promise.fulfil, promise, true) end }
  for i = 1, #list do
    pump.watch(list[i], waiter)
  end
  local ready = host.await(promise, seconds)
  for i = 1, #list do
    pump.unwatch(list[i], waiter)
  end
  return ready
end

local function await_promise_of(host)
  return function(list, seconds) return await_promise(host, list, seconds) end
end

-- ---- Tasks that run in another host's coroutines ----

-- A guest has `_asked` (it is to be cancelled) and `_waits` (the future it waits for, which its
-- cancellation ends early).
local function guest_of(host)
  if host == scheduler or host == blocking then return nil end
  return guests[coroutine.running()]
end

local function take_cancellation(guest, sent)
  guest._asked = false
  return core.error { kind = "cancelled", sent = sent, message = "the task was cancelled" }
end

--- Remembers that the running coroutine is the guest's.
function M.admit(guest)
  local co = coroutine.running()
  if co then guests[co] = guest end
end

--- The error with which the running task, being cancelled, must not begin anything; else nil.
function M.refuse(host)
  if host == scheduler then return scheduler.refuse() end
  local guest = guest_of(host)
  if guest and guest._asked then return take_cancellation(guest, "no") end
end

local function note_cancelled(guest, future)
  local _, err = future:result()
  if core.is_error(err) and err.kind == "cancelled" then guest._asked = false end
end

-- What a guest waits for may have become ready because the guest was cancelled.
local function await_guest(host, guest, subject, future, seconds)
  if guest._asked then
    local err = take_cancellation(guest, "maybe")
    if future ~= subject then return nil, err end
    future:cancel()
  end
  guest._waits = future
  local ready = host.await(future, seconds)
  guest._waits = nil
  if not guest._asked then return ready end
  if not subject:ready() then return nil, take_cancellation(guest, "maybe") end
  if subject == future then note_cancelled(guest, future) end
  return true
end

--- Waits on this host for one future or task: true, false when `seconds` are over, or nil, err when
-- the waiting task was cancelled. May yield.
function M.await(host, subject, seconds)
  if host == scheduler then return host.await(subject, seconds) end
  if host == blocking then
    return blocking.await(subject, seconds, scheduler.step_for { subject })
  end
  local future = type(subject) == "table" and subject:future() or subject
  local guest = guest_of(host)
  if guest then return await_guest(host, guest, subject, future, seconds) end
  return host.await(future, seconds)
end

local function as_futures(list)
  local futures = {}
  for i = 1, #list do
    futures[i] = type(list[i]) == "table" and list[i]:future() or list[i]
  end
  return futures
end

--- The same for the first of several.
function M.await_any(host, list, seconds)
  if host == blocking then
    return blocking.await_any(list, seconds, scheduler.step_for(list))
  end
  if host == scheduler then return scheduler.await_any(list, seconds) end
  if pump.any_ready(list) then return true end
  local guest = guest_of(host)
  if guest and guest._asked then return nil, take_cancellation(guest, "maybe") end
  local futures = as_futures(list)
  if guest then
    guest._waits = core.promise()
    futures[#futures + 1] = guest._waits
  end
  local ready = (host.await_any or await_promise_of(host))(futures, seconds)
  if not guest then return ready end
  guest._waits = nil
  if guest._asked and not pump.any_ready(list) then
    return nil, take_cancellation(guest, "maybe")
  end
  return ready
end

--- Waits some seconds in the running code's host: true, or nil, err when the task was cancelled.
function M.sleep(seconds)
  local host = M.current()
  local refused = M.refuse(host)
  if refused then return nil, refused end
  repeat
    local part = math.min(seconds, LONGEST_TIMER)
    seconds = seconds - part
    local timer = core.timer(part)
    local ready, err = M.await(host, timer)
    if not ready then return nil, err end
    ready, err = timer:result()
    if not ready then return nil, err end
  until seconds <= 0
  return true
end

return M
