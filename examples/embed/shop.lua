-- What embed.c runs: a sale in a task. Here in a sandbox that pays after half a second.
local pix = require "pix"

local sandbox = pix.sandbox.start { auto_pay = 0.5 }
local account = sandbox.credentials.ssg
local ssg = assert(pix.ssg { base_url = sandbox.url.ssg, client_id = account.client_id,
  client_secret = account.client_secret, device_code = account.device_code })

pix.spawn(function()
  local charge = assert(ssg:charge { amount = "19.90" })
  print("made " .. pix.format(charge.amount))
  print(charge:wait { timeout = 60 })
  sandbox.stop()
end)
