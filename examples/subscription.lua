-- A subscription by card, with a trial: R$ 1.00 is pre-authorised now, the plan is charged later.
-- The card lives in memory that is wiped; it cannot be printed, saved or logged.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"

local payzu = assert(pix.payzu(setup.options("payzu", { "api_key" }, {
  api_key = os.getenv "PAYZU_API_KEY",
})))

local function ask(name, otherwise)
  return os.getenv("PIX_CARD_" .. name:upper()) or otherwise
end

local card = assert(pix.card {
  number = ask("number", "4111 1111 1111 1111"), -- a well-known test number
  cvv = ask("cvv", "123"),
  expiry = ask("expiry", "12/2035"),
  holder = ask("holder", "MARIA DA SILVA"),
})
print(card)

local subscription, err = payzu:subscribe {
  plan = os.getenv "PAYZU_PLAN" or "PLAN123",
  payer = { name = "Maria da Silva", tax_id = "52998224725", email = "maria@example.com",
    phone = "11987654321" },
  card = card,
  trial = true,
}
if not subscription then
  io.stderr:write(tostring(err), "\n")
  if err.sent == "maybe" then
    -- it moves money: never repeat it on a guess
    io.stderr:write("It may have been done. Look at the provider's panel before trying again.\n")
  end
  os.exit(1)
end
print("subscription " .. subscription.id .. ": " .. subscription.status)
print("trial ends   " .. tostring(subscription.trial_ends_at))
setup.finish()
