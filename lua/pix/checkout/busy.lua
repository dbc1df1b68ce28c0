--- The error of an operation that somebody else is at.
local core = require "pix.core"

--- @tparam table row the operation, in flight under a lease
-- @tparam string reference the order's
-- @tparam string subject what is being handled, in words
-- @treturn table an error of kind "conflict", code "busy"; retry_after is what is left of the lease
return function(row, reference, subject)
  local left = row.lease and row.lease - core.reactor():wall() or 0
  return core.error {
    kind = "conflict", code = "busy", sent = "no", provider = row.provider, operation = row.kind,
    reference = reference, attempts = 0, retry_after = math.max(1, math.ceil(left)),
    message = subject .. " is being handled by another worker", hint = "ask again shortly",
  }
end
