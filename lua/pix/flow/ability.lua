--- Which providers can pay a charge back or cancel it. A provider that is not here cannot: a flow
-- is refused rather than allowed too much. Facts only (docs/providers.md).
local M = {}

local CAN = {
  detseg = { charge = true },
  payzu = { charge = true, subscribe = true },
  ssg = { charge = true, cancel = true, refund = true },
}

--- Can this provider do this operation?
function M.can(provider, operation)
  return CAN[provider] ~= nil and CAN[provider][operation] == true
end

--- What is known of an operation at the providers that a flow names, or at all there are.
-- @tparam table|nil names
-- @tparam string operation
-- @treturn "all"|"some"|"none"
function M.among(names, operation)
  local yes, no = false, false
  for _, name in ipairs(names or { "detseg", "payzu", "ssg" }) do
    if M.can(name, operation) then yes = true else no = true end
  end
  if yes and no then return "some" end
  return yes and "all" or "none"
end

return M
