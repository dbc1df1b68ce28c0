--- What the three servers (copas_server, luv_server, cqueues_server) sell, whichever loop they run
-- in: `answer` may wait, and waits as its host waits.
--
--     GET /hello       answers at once, also while others wait for a payment
--     GET /buy         makes a charge of R$ 19.90: its id, and its code
--     GET /wait/ID     answers when that charge is paid, expired or cancelled
local M = {}

local charges = {} -- id -> charge

local function buy(provider)
  local charge, err = provider:charge { amount = "19.90" }
  if not charge then return 502, tostring(err) end
  charges[charge.id] = charge
  return 200, charge.id .. "\n" .. charge.code
end

local function wait(id)
  local charge = charges[id]
  if not charge then return 404, "there is no such charge" end
  local status, err = charge:wait { timeout = 60 }
  if not status then return 504, tostring(err) end
  return 200, status
end

local function route(provider, path)
  if path == "/hello" then return 200, "hello" end
  if path == "/buy" then return buy(provider) end
  local id = path:match "^/wait/([%w-]+)$"
  if id then return wait(id) end
  return 404, "try /hello, /buy or /wait/ID"
end

--- The bytes that answer a request. May yield.
-- @param provider the provider object
-- @tparam string request its first line
-- @treturn string
function M.answer(provider, request)
  local path = request:match "^GET (%S+) HTTP/1%.[01]"
  local status, body = 400, "only GET is understood"
  if path then status, body = route(provider, path) end
  return ("HTTP/1.1 %d -\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
    .. "Connection: close\r\n\r\n%s"):format(status, #body, body)
end

return M
