-- Webhooks: PayZu tells of each change, signed. Here the sandbox is PayZu, webhook_receiver.lua is
-- the shop's server, and both really speak HTTP.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"

local sandbox = setup.sandbox()
local account = sandbox.credentials.payzu
local receiver = assert(io.popen(("PAYZU_WEBHOOK_SECRET=%s %s %s/webhook_receiver.lua 1"):format(
  account.webhook_secret, setup.interpreter(), setup.here)))
local url = receiver:read("*l"):match("^listening (.*)$")
print("the shop listens at a port of its own: " .. tostring(url ~= nil))

local payzu = assert(pix.payzu { api_key = account.api_key, base_url = sandbox.url.payzu,
  webhook_url = url, webhook_secret = account.webhook_secret })
local charge = assert(payzu:charge { amount = "19.90" })
-- half a second later the sandbox pays it, and tells
print("the receiver says: " .. receiver:read("*l"))
receiver:close()

-- The same by hand: the body as it came, byte for byte, and the header X-Payzu-Signature.
local delivery = sandbox.webhooks { wait = 5 }[1]
local event = assert(pix.webhook.verify(delivery.body, delivery.signature, account.webhook_secret))
print("event: " .. event.status .. " " .. pix.format(event.amount) .. ", of our charge: "
  .. tostring(event.id == charge.id))

-- A byte more, and it is refused.
local forged, err = pix.webhook.verify(delivery.body .. " ", delivery.signature,
  account.webhook_secret)
print("forged: " .. tostring(forged) .. ", " .. err.kind)
setup.finish()
