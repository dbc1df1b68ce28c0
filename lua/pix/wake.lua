--- Sleeping until a charge is worth a look: its time has come, or a webhook spoke of it.
--
-- DESIGN: who waits for a charge sleeps on a promise under the charge's key; `wake` fulfils it. A
-- program with several processes (nginx workers) gives a *bell*, a counter per key that all of them
-- see: a sleeper compares it every PEEK, so that a webhook may arrive at any of them. Until a
-- program shows that it gets webhooks (`listen`), a sleep is a plain sleep.
local core = require "pix.core"
local hosts = require "pix.host"

local M = {}

local PEEK = 0.25 -- seconds between two looks at the bell
local TICK = 1e-6 -- seconds; a shorter wait may not move a virtual clock at all

local listening = false
local bell -- { get = function(key) → number, ring = function(key) }
local sleepers = {} -- key -> { promise = true, … }

--- The program gets webhooks. A bell, once given, stays.
-- @tparam[opt] table shared { get = function(key) → number, ring = function(key) }
function M.listen(shared)
  listening = true
  bell = shared or bell
end

local function add(key)
  local promise = core.promise()
  sleepers[key] = sleepers[key] or {}
  sleepers[key][promise] = true
  return promise
end

local function remove(key, promise)
  local mine = sleepers[key]
  if not mine then return end
  mine[promise] = nil
  if next(mine) == nil then sleepers[key] = nil end
end

--- Wakes whoever sleeps under the key, in every process that shares the bell.
-- @tparam string key
function M.wake(key)
  if bell then bell.ring(key) end
  local mine = sleepers[key]
  sleepers[key] = nil
  for promise in pairs(mine or {}) do
    promise:fulfil(true)
  end
end

-- What has been sent has long been answered: only the sleep was cut short.
local function not_sent(err)
  if not core.is_error(err) then return err end
  return core.error { kind = err.kind, sent = "no", message = err.message }
end

local function wait(key, promise, seconds)
  local host, reactor = hosts.current(), core.reactor()
  local deadline, before = reactor:now() + seconds, bell and bell.get(key)
  repeat
    local left = math.max(0, deadline - reactor:now())
    local ready, err = hosts.await(host, promise, bell and math.min(left, PEEK) or left)
    if ready then ready, err = promise:result() end
    if ready then return true end
    if err then return nil, not_sent(err) end
  until left < TICK or reactor:now() >= deadline or (bell and bell.get(key) ~= before)
  return true
end

--- Waits some seconds, or until the key is woken. May yield.
-- @tparam string key
-- @tparam number seconds
-- @treturn boolean|nil true; or nil and an error of kind "cancelled"
function M.sleep(key, seconds)
  if not listening or seconds <= 0 then return hosts.sleep(seconds) end
  local host = hosts.current()
  local refused = host.refuse and host.refuse()
  if refused then return nil, refused end
  local promise = add(key)
  local ok, err = wait(key, promise, seconds)
  remove(key, promise)
  return ok, err
end

--- The key of a charge, or of an event about it.
function M.key(subject)
  return subject.provider .. ":" .. subject.id
end

return M
