--- lua-resty-http, from the folder RESTY_HTTP (the one in which resty/http.lua lies), with the same
-- interface as cosocket.lua. Connections are kept alive; request_uri is how its readme asks.
local http = require "resty.http"

local M = {}

local IDLE, POOL = 60000, 512 -- ms; connections

--- One request: { status, headers, body }, or nil and why.
-- @tparam table request method, path, token, body
function M.request(host, port, request)
  local client = http.new()
  client:set_timeouts(5000, 15000, 15000)
  return client:request_uri("http://" .. host .. ":" .. port .. request.path, {
    method = request.method,
    body = request.body,
    headers = {
      Authorization = "Bearer " .. request.token,
      Accept = "application/json",
      ["Content-Type"] = request.body and "application/json" or nil,
    },
    keepalive_timeout = IDLE,
    keepalive_pool = POOL,
  })
end

return M
