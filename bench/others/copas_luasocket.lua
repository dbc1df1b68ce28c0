-- copas_luasocket.lua - the same checkouts with LuaSocket, on the loop of copas.
--
-- LuaSocket's own client (socket.http) closes its connection after each answer, whatever headers it
-- is given; --client http measures it. Without that word, what is measured is what copas and
-- LuaSocket's sockets allow at best: connections that the program keeps alive itself, and HTTP/1.1
-- by hand (bench/http1.lua), which reads nothing but what this server sends. The copas that Debian
-- 12 has (its package is 1.2.0, it calls itself 1.1.7) waits with select(): no more than 1,024
-- descriptors. It is packaged for Lua 5.1 and 5.2 and runs on 5.4 as well.
--
-- usage: copas_luasocket.lua --url URL [--inflight N] [--checkouts N] [--client http]

local copas = require "copas" -- before socket.http, which it changes
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"
local figures = require "bench.figures"
local http1 = require "bench.http1"
local run_shop = require "bench.others.shop"

local AGENT = "copas/1.2"

-- ---- By hand ----

local idle = {}

local function connection_to(host, port)
  if #idle > 0 then return table.remove(idle) end
  local tcp = assert(socket.tcp())
  local ok, err = copas.connect(tcp, host, port)
  if not ok then return nil, err end
  tcp:setoption("tcp-nodelay", true)
  return copas.wrap(tcp)
end

local function by_hand(host, port, asked)
  local connection, err = connection_to(host, port)
  if not connection then return nil, err end
  local reply
  reply, err = http1.exchange(connection, host .. ":" .. port, asked, AGENT)
  if not reply then
    connection.socket:close()
    return nil, err
  end
  table.insert(idle, connection)
  return reply
end

-- ---- socket.http: it connects and closes, which copas's wrapped sockets do not offer ----

local Connection = {}
Connection.__index = Connection

function Connection:connect(host, port) return copas.connect(self.tcp, host, port) end
function Connection:send(data, from, to) return copas.send(self.tcp, data, from, to) end
function Connection:receive(pattern, part) return copas.receive(self.tcp, pattern, part) end
function Connection:close() return self.tcp:close() end
function Connection.settimeout() return 1 end -- it would block the loop; copas has its own

local function create()
  return setmetatable({ tcp = assert(socket.tcp()) }, Connection)
end

local function by_library(host, port, asked)
  local text = {}
  local ok, status, headers = http.request {
    url = "http://" .. host .. ":" .. port .. asked.path,
    method = asked.method,
    headers = {
      authorization = "Bearer " .. asked.token,
      accept = "application/json",
      ["user-agent"] = AGENT,
      ["content-type"] = asked.body and "application/json",
      ["content-length"] = asked.body and #asked.body,
    },
    source = asked.body and ltn12.source.string(asked.body),
    sink = ltn12.sink.table(text),
    create = create,
  }
  if not ok then return nil, status end
  return { status = status, headers = headers, body = table.concat(text) }
end

local CLIENTS = { hand = by_hand, http = by_library }

-- copas would print it and go on without the worker, which nothing would end.
local function stop(message)
  io.stderr:write(tostring(message), "\n")
  os.exit(1)
end

-- copas.loop never ends: this program ends with its last worker.
run_shop(arg, CLIENTS[figures.options(arg).client or "hand"], function(worker, workers)
  local running = workers
  for _ = 1, workers do
    copas.addthread(function()
      copas.setErrorHandler(stop)
      worker()
      running = running - 1
    end)
  end
  while running > 0 do copas.step() end
end, socket.gettime)
