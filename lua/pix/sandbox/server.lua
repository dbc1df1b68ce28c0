--- The sandbox's process: two loopback listeners (HTTP and HTTPS), control, log.
--
-- DESIGN. One cqueues loop runs everything. lua-http reads a request, app.lua answers it, wire.lua
-- writes the reply; only wire.lua and webhook.lua yield in between, so a request changes the state
-- in one piece. The process obeys lines of JSON on its standard input, one answer line each on
-- standard output, and ends with that input: it cannot outlive the one who started it.
local cqueues = require("cqueues")
local condition = require("cqueues.condition")
local signal = require("cqueues.signal")
local cjson = require("cjson").new()
local http_server = require("http.server")
local app = require("pix.sandbox.app")
local certificate = require("pix.sandbox.certificate")
local control = require("pix.sandbox.control")
local log = require("pix.sandbox.log")
local webhook = require("pix.sandbox.webhook")
local wire = require("pix.sandbox.wire")

local M = {}

local READ_TIMEOUT = 60
local IDLE_TIMEOUT = 86400
local MAX_BODY = 4 * 1024 * 1024
local CONTROL_PREFIX = "/_sandbox/"

local function headers_of(headers)
  local map = {}
  for name, value in headers:each() do
    if name:sub(1, 1) ~= ":" then
      map[name] = map[name] and map[name] .. ", " .. value or value
    end
  end
  map.host = headers:get(":authority")
  return map
end

-- Numbers connections in the order of their first request, and counts their requests.
local function connection_of(server, stream)
  local known = server.connections[stream.connection]
  if not known then
    server.last_connection = server.last_connection + 1
    known = { n = server.last_connection, requests = 0 }
    server.connections[stream.connection] = known
  end
  known.requests = known.requests + 1
  return known
end

-- The whole body, "" when there is none; nil when the client left in the middle of it, or when it
-- is larger than any provider's request.
local function read_body(stream, headers)
  local body, why = stream:get_body_chars(MAX_BODY, READ_TIMEOUT)
  local declared = tonumber(headers:get("content-length") or "") or 0
  local length = #(body or "")
  if why or length < declared or length == MAX_BODY then
    return nil
  end
  return body or ""
end

-- The whole request, or nil when it did not arrive whole.
local function read_request(server, stream)
  local headers = stream:get_headers(READ_TIMEOUT)
  if not headers then
    return nil
  elseif headers:get("expect") == "100-continue" then
    stream:write_continue(READ_TIMEOUT)
  end
  local body = read_body(stream, headers)
  local path, query = (headers:get(":path") or "/"):match("^([^?]*)%??(.*)$")
  local connection = connection_of(server, stream)
  return body and {
    method = headers:get(":method"), path = path, query = query ~= "" and query or nil,
    headers = headers_of(headers), body = body, scheme = headers:get(":scheme"),
    version = stream.connection.version == 2 and "2" or "1.1",
    connection = connection.n, reused = connection.requests > 1,
  }
end

-- The same commands as on standard input, for other programs: POST /_sandbox/pay {"id": …}
local function serve_control(server, request)
  local ok, args = pcall(cjson.decode, request.body ~= "" and request.body or "{}")
  args = ok and type(args) == "table" and args or {}
  args.op = request.path:sub(#CONTROL_PREFIX + 1)
  local answer = request.method == "POST" and control(server, args)
    or { ok = false, error = "commands are sent with POST" }
  return { status = answer.ok and 200 or 400, body = cjson.encode(answer) }
end

local function answer(server, request)
  if request.path:sub(1, #CONTROL_PREFIX) == CONTROL_PREFIX then
    return serve_control(server, request)
  end
  local ok, reply, fault = pcall(server.app.serve, server.app, request)
  if ok then
    return reply, fault
  end
  server.report(tostring(reply))
  return { status = 500, body = '{"message": "The sandbox itself failed; see its log."}' }
end

local function on_stream(server, stream)
  local request = read_request(server, stream)
  if not request then
    return wire.discard(stream)
  end
  local started = cqueues.monotime()
  local reply, fault = answer(server, request)
  wire.deliver(stream, reply, fault, server.released)
  server.log(request, reply, fault, (cqueues.monotime() - started) * 1000)
end

local function listen(server, port, context)
  local listener = assert(http_server.listen({
    cq = server.cq, host = "127.0.0.1", port = port, tls = context ~= nil, ctx = context,
    reuseaddr = true, connection_setup_timeout = READ_TIMEOUT, intra_stream_timeout = IDLE_TIMEOUT,
    onstream = function(_, stream) on_stream(server, stream) end,
    -- a client that leaves is no news, and faults make connections fail on purpose
    onerror = function(_, _, operation, why)
      if operation == "onstream" then
        server.report(tostring(why))
      end
    end,
  }))
  assert(listener:listen())
  local _, _, bound = listener:localname()
  return bound
end

local function is_terminal()
  local result = os.execute("test -t 2")
  return result == true or result == 0
end

local function new_log(config)
  local paint = log.painter(config.log and log.wants_colour(config.colour, is_terminal, os.getenv))
  return function(server, request, reply, fault, milliseconds)
    if config.log then
      local charge = reply.charge and server.app.ledger:find(reply.charge)
      io.stderr:write(log.line({ time = os.date("%H:%M:%S"), request = request, reply = reply,
        path = server.app:shown_path(request), fault = fault, charge = charge,
        milliseconds = milliseconds }, paint), "\n")
    end
  end
end

-- After `delay` seconds, unless it is gone or no longer pending.
local function later(server, charge, delay, status)
  if delay then
    server.cq:wrap(function()
      cqueues.sleep(delay)
      if server.app.ledger:find(charge.id) == charge and charge.status == "pending" then
        server.app:move(charge, status)
      end
    end)
  end
end

local function new_server(config)
  local server = { cq = cqueues.new(), connections = setmetatable({}, { __mode = "k" }),
    last_connection = 0, released = condition.new() }
  local write_log = new_log(config)
  server.app = app.new(config.names, config.providers or {}, os.time)
  server.webhooks = webhook.new(server.cq)
  server.log = function(...) write_log(server, ...) end
  server.report = function(text) io.stderr:write("sandbox: ", text, "\n") end
  server.release = function() server.released:signal() end
  server.announce = function(charge)
    local module = server.app.modules[charge.provider]
    if charge.webhook and module.event then
      server.webhooks:announce(charge, module.event(charge), module.credentials.webhook_secret)
      return true
    end
    return false
  end
  server.app.on_change = server.announce
  server.app.on_charge = function(charge)
    later(server, charge, config.auto_pay, "paid")
    later(server, charge, config.expires_after, "expired")
  end
  return server
end

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  return path
end

-- What the program that starts the sandbox learns of it.
local function describe(server, config)
  local context, authority = certificate.new()
  local port = listen(server, config.port or 0)
  local https_port = listen(server, config.https_port or 0, context)
  local info = { url = {}, https_url = {}, credentials = {}, cards = {}, port = port,
    https_port = https_port, reset_kind = wire.reset_kind, version = _VERSION,
    ca_file = write_file(config.dir .. "/ca.pem", authority) }
  for name, module in pairs(server.app.modules) do
    info.url[name] = ("http://127.0.0.1:%d%s"):format(port, module.prefix)
    info.https_url[name] = ("https://127.0.0.1:%d%s"):format(https_port, module.prefix)
    info.credentials[name] = module.credentials
    for number, code in pairs(module.cards or {}) do
      info.cards[tostring(code)] = number
    end
  end
  info.cards.approved = "4111111111111111"
  return info
end

local function say(value)
  io.stdout:write(cjson.encode(value), "\n")
  io.stdout:flush()
end

-- Standard input is strictly a question, then an answer: a blocking read is at most the rest of
-- a line that has begun to arrive.
local function obey(server)
  while true do
    cqueues.poll({ pollfd = 0, events = "r" })
    local line = io.stdin:read("*l")
    local ok, args = pcall(cjson.decode, line or "")
    if not line or ok and args.op == "stop" then
      os.exit(0)
    end
    say(control(server, ok and args or nil))
  end
end

--- Runs the sandbox until its standard input ends; does not return.
-- @tparam table config dir (for ca.pem), log, colour, port, https_port, auto_pay, expires_after,
-- names (of the providers), providers {detseg = options, …}
function M.main(config)
  -- Ctrl-C is for the one who started us; we end after it
  signal.ignore(signal.SIGPIPE, signal.SIGINT)
  local server = new_server(config)
  say({ ok = true, result = describe(server, config) })
  server.cq:wrap(obey, server)
  for failure in server.cq:errors() do
    server.report(tostring(failure))
  end
end

return M
