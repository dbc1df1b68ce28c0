-- The first charge: make it, show its code, wait until it is paid.
--
--     SSG_CLIENT_ID=… SSG_CLIENT_SECRET=… SSG_DEVICE_CODE=… lua5.4 examples/first_charge.lua
--     lua5.4 examples/first_charge.lua          (without an account: in the sandbox)
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local pix = require "pix"

local ssg = assert(pix.ssg(setup.options("ssg", { "client_id", "client_secret", "device_code" }, {
  client_id = os.getenv "SSG_CLIENT_ID",
  client_secret = os.getenv "SSG_CLIENT_SECRET",
  device_code = os.getenv "SSG_DEVICE_CODE",
})))

local charge, err = ssg:charge { amount = "19.90" }
if not charge then
  -- "no": nothing was sent; "yes": refused; "maybe": look at the provider before trying again
  io.stderr:write(tostring(err), "\nsent: ", err.sent, "\n", err.hint or "", "\n")
  os.exit(1)
end

print("charge " .. charge.id .. " of " .. pix.format(charge.amount))
print("copy and paste: " .. charge.code)
print(charge:qr("text", { level = "L", margin = 2, colour = true }))

local status
status, err = charge:wait { timeout = 300 }
print(status or tostring(err))
setup.finish()
os.exit(status == "paid" and 0 or 1, true)
