--- What providers do, as methods that wait: charge, status, cancel, refund, search, subscribe,
-- check. Each starts the core's future and awaits it as the running code's host does.
local core = require "pix.core"
local charges = require "pix.charge"
local hosts = require "pix.host"

local methods = core.provider_methods
local start = methods.start

-- Whether waiting is possible here, and whether this task may begin something, is asked before
-- anything is sent.
local function call(provider, operation, args)
  local host = hosts.current()
  local refused = hosts.refuse(host)
  if refused then return nil, refused end
  local future = start(provider, operation, args)
  if not future:ready() then
    local ready, err = hosts.await(host, future)
    if not ready then return nil, err end
  end
  return future:result()
end

--- Starts an operation without waiting; the future is for pix.await, pix.all, pix.any.
-- @tparam string operation "charge", "status", "cancel", "refund", "search", "subscribe", "check"
-- @param args as the method of that name takes them
-- @return a future; refused arguments give one that is ready with the error
function methods:start(operation, args)
  local future = start(self, operation, args)
  if operation == "charge" then charges.expect(future, self) end
  return future
end

--- Asks for a payment. May yield.
-- @tparam table args amount, description, payer, webhook, timeout
-- @treturn table|nil a charge object, or nil and an error
function methods:charge(args)
  local value, err = call(self, "charge", args)
  if not value then return nil, err end
  return charges.adopt(value, self)
end

--- What has become of a charge. May yield.
-- @param charge a charge or its id
-- @treturn table|nil { status, raw_status, amount, raw }, or nil and an error
function methods:status(charge)
  return call(self, "status", charge)
end

--- Cancels a charge that is not paid. May yield.
-- @param charge a charge, or { id =, amount = }
function methods:cancel(charge)
  return call(self, "cancel", charge)
end

--- Pays a charge back. May yield.
-- @param charge a charge, or { id =, amount = }
function methods:refund(charge)
  return call(self, "refund", charge)
end

--- Lists transactions. May yield.
-- @tparam table query { from =, to = } or { id = }
function methods:search(query)
  return call(self, "search", query)
end

--- Begins a subscription by card. May yield. Never repeat it after `err.sent == "maybe"`.
-- @tparam table args plan, payer, card, trial, send_confirmation
function methods:subscribe(args)
  return call(self, "subscribe", args)
end

--- Are the credentials good? May yield.
-- @return true, or nil and an error
function methods:check()
  return call(self, "check")
end

local M = {}

--- Makes a provider object.
-- @tparam string name
-- @tparam table options
-- @return the provider, or nil and an error of kind "config"
function M.new(name, options)
  local provider, err = core.provider(name, options)
  if not provider then return nil, err end
  return charges.remember(provider)
end

return M
