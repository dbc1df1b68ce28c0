-- A program that receives PayZu's webhooks: a small HTTP server (lua-http) that believes nothing
-- that is not signed. Prints its address, then a line for each event.
--
--     PAYZU_WEBHOOK_SECRET=… lua5.4 examples/webhook_receiver.lua [how many events, then it ends]
if _VERSION == "Lua 5.4" then
  -- Debian packages lua-http for 5.3 and older; it runs on 5.4
  package.path = package.path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua"
end
dofile((arg[0]:match("^.*/") or "") .. "setup.lua")
local headers = require "http.headers"
local server = require "http.server"
local pix = require "pix"

local secret = assert(os.getenv "PAYZU_WEBHOOK_SECRET", "PAYZU_WEBHOOK_SECRET is not set")
local left = tonumber(arg[1]) or math.huge
local IDLE = 30 -- seconds without an event after which a counted run gives up
local seen = {} -- event.key → true: providers repeat themselves, and so do thieves

local function say(...)
  print(table.concat({ ... }, " "))
  io.stdout:flush()
end

local function receive(body, signature)
  local event, err = pix.webhook.verify(body, signature, secret)
  if not event then
    say("refused", err.kind, err.message)
    return err.kind == "auth" and "401" or "400"
  elseif seen[event.key] then
    return "200"
  end
  seen[event.key] = true
  say("verified", event.id, event.status, event.amount and pix.format(event.amount) or "")
  return "200"
end

local listener
listener = assert(server.listen {
  host = "127.0.0.1", port = 0,
  onstream = function(_, stream)
    local request = assert(stream:get_headers(10))
    local status = receive(assert(stream:get_body_as_string(10)), request:get "x-payzu-signature")
    local reply = headers.new()
    reply:append(":status", status)
    stream:write_headers(reply, true)
    left = left - 1
    if left == 0 then listener:close() end
  end,
  onerror = function(_, _, _, why) io.stderr:write("webhook_receiver: ", tostring(why), "\n") end,
})
assert(listener:listen())
local _, _, port = listener:localname()
say(("listening http://127.0.0.1:%d/"):format(port))
repeat
  local ok, _, code = listener:loop(IDLE)
until ok or left == 0 or code and left ~= math.huge
