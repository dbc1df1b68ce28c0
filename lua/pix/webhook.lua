--- Webhooks: is a notification genuine, and what does it say?
local core = require "pix.core"

local M = {}

--- Verifies the signature of a webhook, in constant time, and reads it.
-- @tparam string body the request's body, byte for byte as it came: never decoded and encoded again
-- @tparam string|nil signature the signature header's value (payzu: X-Payzu-Signature)
-- @param secret the webhook secret, or a list of them while one is being replaced
-- @tparam[opt="payzu"] string provider
-- @treturn table|nil event { provider, id, status, raw_status, amount, key, raw }, where `key` is
--   the same for a repeated event; or nil and an error: kind "auth" when no signature matches,
--   "invalid" when the body cannot be read
function M.verify(body, signature, secret, provider)
  return core.webhook(body, signature, secret, provider)
end

return M
