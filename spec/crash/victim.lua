--- Runs spec/crash/child.lua, which is to be killed.
local cjson = require "cjson"
local program = require "spec.support.program"

local M = {}

local MOST = 60 -- transactions of a child; it has far fewer

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

--- Kills a child before each of its transactions: one child for each, in a world of its own.
-- @tparam function prepare makes a world, and returns what the child is told
-- @tparam function judge is called with that when the child is dead, and with the transaction's
--   number
-- @treturn integer the children; the last one had no more transactions, and lived
function M.before_each_transaction(prepare, judge)
  for n = 1, MOST do
    local given = prepare()
    given.transaction = n
    local output = M.run(given)
    judge(given, n)
    if output ~= "" then
      assert(output:find "^survived", output)
      return n
    end
  end
  error "the child makes transactions without end"
end

return M
