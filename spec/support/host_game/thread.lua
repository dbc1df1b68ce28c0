-- A thread of its own Lua state and reactor; a charge crosses as the plain table it is.
local url, client_id, client_secret, device_code = ...
local pix = require "pix"

pix.use "love"
local ssg = assert(pix.ssg { base_url = url, client_id = client_id, client_secret = client_secret,
  device_code = device_code })
local charge = assert(ssg:charge { amount = 700 })
local plain = {}
for name, value in pairs(charge) do
  if type(value) ~= "table" then plain[name] = value end
end
love.thread.getChannel("charge"):push(plain)
