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

return M
