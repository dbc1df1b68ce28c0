--- The providers that the sandbox simulates: those that are built in and have a file of their name
-- in this folder. The sandbox's process has no core: it is told the names.
local core = require("pix.core")

local M = {}

--- @treturn {string,…} names, sorted
function M.names()
  local list = {}
  for _, name in ipairs(core.providers()) do
    if package.searchpath("pix.sandbox." .. name, package.path) then
      list[#list + 1] = name
    end
  end
  return list
end

return M
