--- Webhooks: is a notification genuine, and what does it say?
local core = require "pix.core"
local wake = require "pix.wake"

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

--- Wakes whoever waits for the charge that an event speaks of (charge:wait): it looks at once. The
-- provider's answer, not the event, decides what has become of the charge.
-- @tparam table event as verify returned it
function M.wake(event)
  wake.wake(wake.key(event))
end

--- The program gets webhooks: from now on charge:wait can be woken. `handler` says so by itself.
function M.listen()
  wake.listen()
end

--- Makes the handler of a location in OpenResty; see pix.webhook_handler and docs/openresty.md.
-- @tparam table options secret, on_event, dict, remember, max_body, provider, header
-- @treturn function to be called in the content phase
function M.handler(options)
  if not rawget(_G, "ngx") then
    error("pix.webhook.handler: it is for OpenResty; elsewhere give the body's bytes and the "
      .. "signature header to pix.webhook.verify, and the event to pix.webhook.wake", 2)
  end
  return require("pix.webhook_handler").new(options) -- uncovered: LuaJIT, openresty_webhook_spec
end

return M
