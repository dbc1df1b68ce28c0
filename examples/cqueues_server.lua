-- A server on cqueues that takes payments: who waits for a payment holds nobody up. Routes are in
-- shop.lua. cqueues is found by itself: no pix.use. Prints its address; ends with Ctrl-C.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
package.path = package.path .. ";" .. setup.here .. "/?.lua"

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local pix = require "pix"
local shop = require "shop"

local ssg = assert(pix.ssg(setup.options("ssg", { "client_id", "client_secret", "device_code" }, {
  client_id = os.getenv "SSG_CLIENT_ID",
  client_secret = os.getenv "SSG_CLIENT_SECRET",
  device_code = os.getenv "SSG_DEVICE_CODE",
})))

local function serve(client)
  local request = client:read "*l"
  repeat
    local line = client:read "*l"
  until not line or line == "" or line == "\r"
  if request then client:xwrite(shop.answer(ssg, request), "bn") end
  client:shutdown "w"
  client:close()
end

local queue = cqueues.new()
local server = assert(socket.listen("127.0.0.1", 0))
assert(server:listen())
local _, _, port = server:localname()
print(("listening http://127.0.0.1:%d"):format(port))
io.stdout:flush()
queue:wrap(function()
  for client in server:clients() do
    queue:wrap(serve, client)
  end
end)
assert(queue:loop())
