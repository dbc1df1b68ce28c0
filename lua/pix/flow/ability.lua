--- Which providers can pay a charge back or cancel it: what the core says of those that are built
-- in. A provider that it does not know cannot: a flow is refused rather than allowed too much.
local core = require "pix.core"

local M = {}

--- Can this provider do this operation?
function M.can(provider, operation)
  local facts = core.provider_facts(provider)
  return facts ~= nil and facts.operations[operation] == true
end

--- What is known of an operation at the providers that a flow names, or at all there are.
-- @tparam table|nil names
-- @tparam string operation
-- @treturn "all"|"some"|"none"
function M.among(names, operation)
  local yes, no = false, false
  for _, name in ipairs(names or core.providers()) do
    if M.can(name, operation) then yes = true else no = true end
  end
  if yes and no then return "some" end
  return yes and "all" or "none"
end

return M
