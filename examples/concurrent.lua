-- Many at once: three providers in coroutines, while the program goes on with something else.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"

local payer = { name = "Maria da Silva", tax_id = "52998224725", email = "maria@example.com",
  phone = "11987654321" }

local providers = {
  assert(pix.detseg(setup.options("detseg", { "client_id", "client_token" }, {
    client_id = os.getenv "DETSEGPAY_CLIENT_ID",
    client_token = os.getenv "DETSEGPAY_CLIENT_TOKEN",
  }))),
  assert(pix.ssg(setup.options("ssg", { "client_id", "client_secret", "device_code" }, {
    client_id = os.getenv "SSG_CLIENT_ID",
    client_secret = os.getenv "SSG_CLIENT_SECRET",
    device_code = os.getenv "SSG_DEVICE_CODE",
  }))),
  assert(pix.payzu(setup.options("payzu", { "api_key" }, {
    api_key = os.getenv "PAYZU_API_KEY",
    webhook_url = os.getenv "PAYZU_WEBHOOK_URL" or "https://shop.invalid/webhook",
  }))),
}

-- ssg takes an amount and nothing else that it would send on; the others want to know the payer.
local function take_payment(provider)
  local charge = assert(provider:charge {
    amount = "19.90", payer = provider:name() ~= "ssg" and payer or nil,
    description = provider:name() == "detseg" and "order 17" or nil,
  })
  print(("%-7s made  %s"):format(provider:name(), charge.id))
  local status = assert(charge:wait { timeout = 60 })
  print(("%-7s %-5s %s"):format(provider:name(), status, charge.id))
  return status
end

pix.run(function()
  local tasks = {}
  for i, provider in ipairs(providers) do
    tasks[i] = pix.spawn(take_payment, provider)
  end
  -- not one of these waits for another; meanwhile this task is free
  local beats = 0
  local clock = pix.spawn(function()
    while pix.sleep(0.1) do
      beats = beats + 1
    end
  end)
  local results = pix.all(tasks)
  clock:cancel()
  print(("%d paid; the program had %s time for other things"):format(#results,
    beats > 5 and "plenty of" or "no"))
end)
setup.finish()
