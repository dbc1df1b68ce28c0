-- lua_http.lua - the same checkouts with lua-http, on the loop of cqueues.
--
-- lua-http's requests (http.request) open a connection each and close it when the answer is read. A
-- program that wants connections kept alive goes one floor lower, to http.client and its streams,
-- and keeps those that are idle itself: what is measured here is the faster of the two ways.
--
-- usage: lua_http.lua --url URL [--inflight N] [--checkouts N]

local cqueues = require "cqueues"
local http_client = require "http.client"
local http_headers = require "http.headers"
local run_shop = require "bench.others.shop"

local TIMEOUT = 15 -- seconds

local idle = {}

local function connection_to(host, port)
  if #idle > 0 then return table.remove(idle) end
  return http_client.connect({ host = host, port = port, tls = false, version = 1.1 }, TIMEOUT)
end

local function headers_of(host, port, request)
  local headers = http_headers.new()
  headers:append(":method", request.method)
  headers:append(":scheme", "http")
  headers:append(":authority", host .. ":" .. port)
  headers:append(":path", request.path)
  headers:append("authorization", "Bearer " .. request.token)
  headers:append("accept", "application/json")
  headers:append("user-agent", "lua-http/0.4")
  if request.body then
    headers:append("content-type", "application/json")
    headers:append("content-length", ("%d"):format(#request.body))
  end
  return headers
end

local function exchange(stream, headers, body)
  local ok, err = stream:write_headers(headers, not body, TIMEOUT)
  if not ok then return nil, err end
  if body then
    ok, err = stream:write_body_from_string(body, TIMEOUT)
    if not ok then return nil, err end
  end
  local answered
  answered, err = stream:get_headers(TIMEOUT)
  if not answered then return nil, err or "closed" end
  local text
  text, err = stream:get_body_as_string(TIMEOUT)
  if not text then return nil, err end
  return { status = tonumber((answered:get(":status"))), body = text }
end

local function request(host, port, asked)
  local connection, err = connection_to(host, port)
  if not connection then return nil, err end
  local stream = connection:new_stream()
  if not stream then return nil, "closed" end
  local reply
  reply, err = exchange(stream, headers_of(host, port, asked), asked.body)
  stream:shutdown()
  if not reply then
    connection:close()
    return nil, err
  end
  table.insert(idle, connection)
  return reply
end

run_shop(arg, request, function(worker, workers)
  local queue = cqueues.new()
  for _ = 1, workers do queue:wrap(worker) end
  assert(queue:loop())
end, cqueues.monotime)
