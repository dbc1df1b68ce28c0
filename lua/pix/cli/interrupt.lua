--- Ctrl-C: the Lua program that runs us raises "interrupted!" from a hook, out of whatever Lua code
-- runs in the main thread. Here that is told from all other errors. It happens once: a second
-- Ctrl-C ends the process at once.
local M = {}

local unpack = table.unpack or unpack

--- Is this what was raised the interruption?
function M.is(raised)
  return type(raised) == "string" and raised:match("interrupted!$") ~= nil
    or type(raised) == "string" and raised:find("interrupted!\nstack traceback", 1, true) ~= nil
end

--- Calls f. Other errors are raised on.
-- @treturn boolean whether it was interrupted
-- @return what f returned
function M.guard(f, ...)
  local arguments, results = { ... }, nil
  -- An interrupted system call fails first, and the hook runs when that error has been caught: the
  -- inner pcall takes the one, the outer one the other.
  local ok, raised = pcall(function()
    results = { pcall(f, unpack(arguments, 1, 4)) }
  end)
  if not ok then
    results = { false, raised }
  end
  if results[1] then
    return false, unpack(results, 2, 4)
  elseif M.is(results[2]) then
    return true
  end
  error(results[2], 0)
end

-- Ctrl-C came while the request was begun, and nobody has its future.
local function lost(provider, operation)
  local core = require("pix.core")
  local begun = core.reactor():pending() > 0
  return core.error({ kind = "cancelled", sent = begun and "maybe" or "no", operation = operation,
    provider = provider:name(), message = begun and "interrupted as the request was sent"
      or "interrupted before anything was sent" })
end

--- Runs an operation that changes something at the provider. Ctrl-C does not cut it off: the
-- answer is waited for all the same, else nobody would know what was done. May block as long as the
-- provider's time-out.
-- @treturn table|nil the result, or nil and an error
-- @treturn boolean whether Ctrl-C was pressed meanwhile
function M.finish(ctx, provider, operation, args)
  local pix = require("pix")
  local future
  local interrupted, value, err = M.guard(function()
    future = provider:start(operation, args)
    return pix.await(future)
  end)
  if interrupted and future then
    ctx.note("\n" .. ctx.say("under_way"))
    value, err = pix.await(future)
  elseif interrupted then
    value, err = nil, lost(provider, operation)
  end
  return value, err, interrupted
end

return M
