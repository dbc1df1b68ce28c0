-- A server on luv (libuv) that takes payments: who waits for a payment holds nobody up. Routes are
-- in shop.lua. Prints its address; ends with Ctrl-C.
local setup = dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
package.path = package.path .. ";" .. setup.here .. "/?.lua"

local uv = require "luv"
local pix = require "pix"
local shop = require "shop"

pix.use "luv"

local ssg = assert(pix.ssg(setup.options("ssg", { "client_id", "client_secret", "device_code" }, {
  client_id = os.getenv "SSG_CLIENT_ID",
  client_secret = os.getenv "SSG_CLIENT_SECRET",
  device_code = os.getenv "SSG_DEVICE_CODE",
})))

-- A callback of luv cannot wait: the answer is made in a task.
local function answer(client, request)
  pix.spawn(function()
    client:write(shop.answer(ssg, request), function() client:close() end)
  end)
end

local function serve(client)
  local head = ""
  client:read_start(function(problem, bytes)
    if problem or not bytes then return client:close() end
    head = head .. bytes
    if not head:find("\r\n\r\n", 1, true) then return end
    client:read_stop()
    answer(client, head)
  end)
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(128, function(problem)
  assert(not problem, problem)
  local client = uv.new_tcp()
  server:accept(client)
  serve(client)
end))
print(("listening http://127.0.0.1:%d"):format(server:getsockname().port))
io.stdout:flush()
uv.run()
