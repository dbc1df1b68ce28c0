-- A server on copas that takes payments: who waits for a payment holds nobody up. Routes are in
-- shop.lua. Prints its address; ends with Ctrl-C.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
package.path = package.path .. ";" .. setup.here .. "/?.lua"

local copas = require "copas"
local socket = require "socket"
local pix = require "pix"
local shop = require "shop"

pix.use "copas"

local ssg = assert(pix.ssg(setup.options("ssg", { "client_id", "client_secret", "device_code" }, {
  client_id = os.getenv "SSG_CLIENT_ID",
  client_secret = os.getenv "SSG_CLIENT_SECRET",
  device_code = os.getenv "SSG_DEVICE_CODE",
})))

local function read_head(client)
  local request = copas.receive(client, "*l")
  repeat
    local line = copas.receive(client, "*l")
  until not line or line == ""
  return request
end

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, function(client)
  local request = read_head(client)
  if request then copas.send(client, shop.answer(ssg, request)) end
  client:close()
end)
local _, port = server:getsockname()
print(("listening http://127.0.0.1:%d"):format(port))
io.stdout:flush()
copas.loop()
