--- Sleeping until a charge is worth a look: its time has come, or a webhook spoke of it.
--
-- DESIGN: who waits for a charge is a *sleeper* under the charge's key, also while he is awake:
-- what is rung while he looks ends his next sleep. `wake` fulfils the promise he sleeps on. A
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
local sleepers = setmetatable({}, { __mode = "v" }) -- key -> those of that key, whose table it is

--- The program gets webhooks. A bell, once given, stays.
-- @tparam[opt] table shared { get = function(key) → number, ring = function(key) }
function M.listen(shared)
  listening = true
  bell = shared or bell
end

--- Wakes whoever sleeps under the key, in every process that shares the bell.
-- @tparam string key
function M.wake(key)
  if bell then bell.ring(key) end
  local woken = {}
  for sleeper in pairs(sleepers[key] or {}) do woken[#woken + 1] = sleeper end
  for _, sleeper in ipairs(woken) do
    local promise = sleeper._promise
    sleeper._rung, sleeper._promise = true, nil
    if promise then pcall(promise.fulfil, promise, true) end -- it may have been cancelled just now
  end
end

-- What has been sent has long been answered: only the sleep was cut short.
local function not_sent(err)
  if not core.is_error(err) then return err end
  return core.error { kind = err.kind, sent = "no", message = err.message }
end

local Sleeper = {}
Sleeper.__index = Sleeper

--- Who waits under a key, until the program drops him.
-- @tparam string key
-- @treturn table with the method sleep
function M.sleeper(key)
  local peers = sleepers[key] or setmetatable({}, { __mode = "k" })
  sleepers[key] = peers
  local self = setmetatable({ _key = key, _peers = peers, _rung = false,
    _heard = bell and bell.get(key) }, Sleeper)
  peers[self] = true
  return self
end

local function rung(self)
  return self._rung or (bell ~= nil and bell.get(self._key) ~= self._heard)
end

-- Sleeps on a promise, in pieces where there is a bell to be compared.
local function doze(self, host, deadline)
  local reactor, promise = core.reactor(), core.promise()
  self._promise = promise
  while not rung(self) do
    local left = math.max(0, deadline - reactor:now())
    local ready, err = hosts.await(host, promise, bell and math.min(left, PEEK) or left)
    if ready then ready, err = promise:result() end
    if err then return nil, not_sent(err) end
    if ready or left < TICK or reactor:now() >= deadline then break end
  end
  return true
end

--- Waits some seconds, or until the key is woken; not at all if it was since the last sleep. May
-- yield.
-- @tparam number seconds
-- @treturn boolean|nil true; or nil and an error of kind "cancelled"
function Sleeper:sleep(seconds)
  if not listening or seconds <= 0 then return hosts.sleep(seconds) end
  local host = hosts.current()
  local refused = host.refuse and host.refuse()
  if refused then return nil, refused end
  local ok, err = doze(self, host, core.reactor():now() + seconds)
  self._promise, self._rung, self._heard = nil, false, bell and bell.get(self._key)
  return ok, err
end

--- The key of a charge, or of an event about it.
function M.key(subject)
  return subject.provider .. ":" .. subject.id
end

return M
