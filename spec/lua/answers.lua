--- The provider of the programs without memory: it answers what a virtual reactor is asked.
local M = {}

local TOKENS = '{"access_token":"t0ken","expires_in":3600}'
local MOST = 9 -- futures of a program; some may not have been made

--- Answers what is asked until the operation itself is; its exchange, or nil. A check of a provider
-- with tokens asks for one and no more.
-- @tparam userdata reactor
-- @tparam[opt] boolean is_token is the operation one that fetches a token?
function M.asked(reactor, is_token)
  for _ = 1, 9 do
    local sent = reactor:outbox()
    if sent and (is_token or sent.operation ~= "token") then return sent end
    if sent then reactor:answer(sent.id, { status = 200, body = TOKENS }) end
    reactor:drain {}
  end
end

--- With memory again everything ends, as what it is or for lack of memory.
function M.finish(reactor, futures, body)
  for _ = 1, 50 do
    local sent = M.asked(reactor)
    if sent then reactor:answer(sent.id, { status = 200, body = body }) end
    reactor:drain {}
    reactor:advance(1)
  end
  for i = 1, MOST do
    local future = futures[i]
    if future then
      assert(future:ready(), "future " .. i .. " is lost")
      local value, err = future:result()
      assert(value or err.kind == "internal" and err.sent, tostring(err))
    end
  end
  collectgarbage()
  assert(reactor:pending() == 0, "something is still under way")
end

return M
