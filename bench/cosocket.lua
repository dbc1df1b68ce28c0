--- An HTTP client of the least that will do: http1.lua on a cosocket that nginx's pool keeps alive.
local http1 = require "bench.http1"

local M = {}

local POOL = { pool_size = 512 }
local IDLE = 60000 -- ms

--- One request: { status, headers, body }, or nil and why.
-- @tparam table request method, path, token, body
function M.request(host, port, request)
  local socket = ngx.socket.tcp()
  socket:settimeouts(5000, 15000, 15000)
  local ok, err = socket:connect(host, port, POOL)
  if not ok then return nil, err end
  local reply
  reply, err = http1.exchange(socket, host .. ":" .. port, request, "cosocket/0.1")
  if not reply then return nil, err end
  socket:setkeepalive(IDLE)
  return reply
end

return M
