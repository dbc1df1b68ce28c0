--- Runs spec/crash/child.lua, which is to be killed.
local cjson = require "cjson"
local program = require "spec.support.program"

local M = {}

--- @tparam table given what the child is told; its pid stands in `folder`/pid
-- @treturn string what it has printed: nothing, if it was killed
function M.run(given)
  local pipe = io.popen(("echo $$ >%s/pid; exec %s spec/crash/child.lua %s 2>&1"):format(
    given.folder, program.interpreter(), program.quote(cjson.encode(given))))
  local output = pipe:read "*a"
  local _, how, status = pipe:close()
  if how and output == "" then
    assert(how == "signal" and status == 9, ("it ended by itself: %s %d"):format(how, status))
  end
  return output
end

return M
