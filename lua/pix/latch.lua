--- Many wait until something has happened. Each waits on a promise of its own, because whoever
-- waits may be cancelled, and gives his promise up then.
local core = require "pix.core"
local hosts = require "pix.host"

local M = {}

local Latch = {}
Latch.__index = Latch

--- @treturn table a latch
function M.new()
  return setmetatable({ _promises = {} }, Latch)
end

--- Waits until it is opened: true; or `seconds` are over: false; or nil and an error. May yield.
-- @tparam[opt] number seconds
function Latch:wait(seconds)
  local promise = core.promise()
  self._promises[promise] = true
  local ready, err = hosts.await(hosts.current(), promise, seconds)
  self._promises[promise] = nil
  if not ready and not promise:ready() then promise:cancel() end
  if not ready then return ready, err end
  return promise:result() -- true, or that whoever waits was cancelled
end

--- Lets those go on who wait now.
function Latch:open()
  local promises = self._promises
  self._promises = {}
  for promise in pairs(promises) do
    pcall(promise.fulfil, promise, true)
  end
end

return M
