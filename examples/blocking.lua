-- Without any event loop: each call blocks until it is answered. Enough for a cron job or a script.
-- Here: ask what was sold since yesterday, and refund by id.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"

local detseg = assert(pix.detseg(setup.options("detseg", { "client_id", "client_token" }, {
  client_id = os.getenv "DETSEGPAY_CLIENT_ID",
  client_token = os.getenv "DETSEGPAY_CLIENT_TOKEN",
})))

-- A credential that is wrong is better found before the first customer stands there.
assert(detseg:check())

local charge = assert(detseg:charge {
  amount = 4990, -- centavos; "49.90" means the same
  description = "Two coffees and a cake",
  payer = {
    name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
    phone = "(11) 98765-4321",
  },
})
print("made " .. charge.id .. " " .. pix.format(charge.amount))

local function day(time) return os.date("!%Y-%m-%d", time - 3 * 3600) end -- in São Paulo
local now = os.time() -- midnight may have passed since the charge was made
for _, found in ipairs(assert(detseg:search { from = day(now - 86400), to = day(now) })) do
  print(("%-10s %12s  %s"):format(found.status, pix.format(found.amount), found.id))
end

-- What a provider cannot do is an error of kind "unsupported", before anything is sent.
if not detseg:supports "refund" then
  local _, err = detseg:refund(charge)
  print("refund: " .. err.kind .. ", sent: " .. err.sent)
end
setup.finish()
