--- Puts a reply on the wire, whole or spoilt by a fault.
-- HTTP/1.1 and HTTP/2 both go through lua-http's stream where it can express the fault; what it
-- refuses to write (half a head, a body without an end) goes to the socket below it.
--
-- A reset is a real RST: on Linux connect(2) to AF_UNSPEC, which aborts an established
-- connection, called through LuaJIT's FFI. Without it the connection is shut down (FIN).
local cqueues = require("cqueues")
local new_headers = require("http.headers").new
local reasons = require("http.h1_reason_phrases")

local has_ffi, ffi = pcall(require, "ffi")

local M = {}

local WRITE_TIMEOUT = 120
local BLOCK = 65536

if has_ffi and ffi.os == "Linux" then
  ffi.cdef("int connect(int fd, const void *address, unsigned int length);")
  M.reset_kind = "rst"
else
  M.reset_kind = "fin"
end

local function is_h2(stream)
  return stream.connection.version == 2
end

-- lua-http answers 503 by itself when nothing was written; a body of type "missing" prevents it.
local function silence(stream)
  if not is_h2(stream) then
    stream.body_write_type = "missing"
  end
end

-- Ends the connection without another byte of HTTP.
local function close(stream)
  silence(stream)
  local socket = stream.connection.socket
  if socket then
    socket:shutdown()
  end
end

local function reset(stream)
  silence(stream)
  local socket = stream.connection.socket
  if socket and M.reset_kind == "rst" then
    local nothing = ffi.new("char[16]") -- sa_family 0 is AF_UNSPEC
    ffi.C.connect(socket:pollfd(), nothing, 16)
  elseif socket then
    socket:shutdown()
  end
end

local function abandon(stream)
  if is_h2(stream) then
    stream:rst_stream("sandbox fault", 0)
  else
    close(stream)
  end
end

-- content-length is `length`, or absent when that is nil.
local function headers_of(reply, length)
  local headers = new_headers()
  headers:append(":status", ("%d"):format(reply.status))
  if reply.body ~= "" then
    headers:append("content-type", reply.content_type or "application/json")
  end
  for name, value in pairs(reply.headers or {}) do
    headers:append(name, value)
  end
  if length and reply.status ~= 204 and reply.status ~= 304 then
    headers:append("content-length", ("%d"):format(length))
  end
  return headers
end

local function head_text(reply, length)
  local lines = { ("HTTP/1.1 %d %s"):format(reply.status, reasons[("%d"):format(reply.status)]) }
  for name, value in headers_of(reply, length):each() do
    if name ~= ":status" then
      lines[#lines + 1] = name .. ": " .. value
    end
  end
  lines[#lines + 1] = "connection: close\r\n\r\n"
  return table.concat(lines, "\r\n")
end

-- Bytes straight to an HTTP/1.1 socket, which is then closed.
local function write_raw(stream, bytes)
  silence(stream)
  stream.connection.socket:xwrite(bytes, "n", WRITE_TIMEOUT)
  close(stream)
end

--- A whole reply {status, body, content_type, headers}; the body is text by now.
local function send(stream, reply)
  local body = reply.body
  local none = body == "" or reply.status == 204 or reply.status == 304
  local ok = stream:write_headers(headers_of(reply, #body), none, WRITE_TIMEOUT)
  return none or ok and stream:write_chunk(body, true, WRITE_TIMEOUT)
end

local DELIVERIES = {}

-- Until the faults are cleared or the client has gone.
function DELIVERIES.hang(stream, _, _, released)
  if is_h2(stream) then
    repeat
      local woken = cqueues.poll(released, 0.25) == released
    until woken or stream.state == "closed" or stream.connection.socket == nil
  else
    cqueues.poll(released, { pollfd = stream.connection.socket:pollfd(), events = "r" })
  end
  abandon(stream)
end

function DELIVERIES.reset(stream)
  reset(stream)
end

function DELIVERIES.close_keepalive(stream)
  close(stream)
end

function DELIVERIES.truncate(stream, reply, fault)
  local whole = #reply.body
  local count = fault.value < 1 and math.floor(whole * fault.value) or fault.value
  stream:write_headers(headers_of(reply, whole), false, WRITE_TIMEOUT)
  stream:write_chunk(reply.body:sub(1, math.min(count, whole - 1)), false, WRITE_TIMEOUT)
  abandon(stream)
end

function DELIVERIES.truncate_headers(stream, reply)
  if is_h2(stream) then
    return close(stream)
  end
  local head = head_text(reply, #reply.body)
  write_raw(stream, head:sub(1, math.floor(#head / 2)))
end

function DELIVERIES.no_length(stream, reply)
  local half = reply.body:sub(1, math.floor(#reply.body / 2))
  if is_h2(stream) then
    stream:write_headers(headers_of(reply), false, WRITE_TIMEOUT)
    stream:write_chunk(half, true, WRITE_TIMEOUT)
  else
    write_raw(stream, head_text(reply) .. half)
  end
end

function DELIVERIES.garbage(stream, reply, fault)
  if fault.value ~= "http" then
    send(stream, reply)
  elseif is_h2(stream) then
    -- a frame of a type and size that no client can accept
    stream.connection.socket:xwrite(("\255"):rep(64), "n", WRITE_TIMEOUT)
    close(stream)
  else
    write_raw(stream, "\0\1\2 this is no HTTP \255\254\r\n\r\n")
  end
end

-- JSON of exactly fault.value bytes (13 at least), written in blocks.
function DELIVERIES.huge(stream, reply, fault)
  local size = math.max(fault.value, 13)
  local left = size - 10
  stream:write_headers(headers_of(reply, size), false, WRITE_TIMEOUT)
  local ok = stream:write_chunk('{"pad":"', false, WRITE_TIMEOUT)
  local block = ("a"):rep(math.min(BLOCK, left))
  while ok and left > 0 do
    local count = math.min(left, BLOCK)
    ok = stream:write_chunk(count == #block and block or block:sub(1, count), false, WRITE_TIMEOUT)
    left = left - count
  end
  return ok and stream:write_chunk('"}', true, WRITE_TIMEOUT)
end

function DELIVERIES.gzip_bomb(stream, reply, fault)
  reply.headers = reply.headers or {}
  reply.headers["content-encoding"] = "gzip"
  reply.body = fault.bomb
  send(stream, reply)
end

-- fault.value bytes a second, ten times a second where the rate allows it.
function DELIVERIES.drip(stream, reply, fault)
  local step = math.max(1, math.floor(fault.value / 10))
  local ok = stream:write_headers(headers_of(reply, #reply.body), false, WRITE_TIMEOUT)
  for first = 1, #reply.body, step do
    if not ok then
      return
    end
    local part = reply.body:sub(first, first + step - 1)
    ok = stream:write_chunk(part, first + step > #reply.body, WRITE_TIMEOUT)
    cqueues.sleep(step / fault.value)
  end
end

--- Gives up a request that did not arrive whole. lua-http's own shutdown reads on for the rest of
-- such a body, and never stops when the client has gone: the request is declared read instead.
function M.discard(stream)
  if not is_h2(stream) and (stream.state == "open" or stream.state == "half closed (local)") then
    stream:set_state(stream.state == "open" and "half closed (remote)" or "closed")
  end
  close(stream)
end

--- A gzip stream that unpacks to `size` blanks and "{}"; nil where there is no gzip program.
function M.bomb(size)
  local blanks = ("head -c %d /dev/zero | tr '\\0' ' '"):format(size)
  local pipe = io.popen("{ " .. blanks .. "; printf '{}'; } | gzip -9 -c", "r")
  local bytes = pipe and pipe:read("*a") or ""
  if pipe then
    pipe:close()
  end
  return bytes ~= "" and bytes or nil
end

--- Answers on a lua-http stream. May yield; returns when the last byte is written, or, for a
-- fault that hangs, when the client has gone or the condition `released` is signalled. That also
-- ends a delay.
function M.deliver(stream, reply, fault, released)
  if fault and fault.delay then
    cqueues.poll(released, fault.delay)
  end
  local delivery = fault and DELIVERIES[fault.kind]
  if delivery then
    delivery(stream, reply, fault, released)
  else
    send(stream, reply)
  end
end

return M
