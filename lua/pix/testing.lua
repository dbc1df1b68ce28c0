--- For specs of programs that use luapix: a scripted transport and a virtual clock.
--
-- `start` puts a virtual reactor in the place of the real one. Requests are encoded and replies
-- decoded by the same C as always; only bytes do not leave. When every task waits for time only,
-- the clock moves to the next moment at which something happens, so hours pass in milliseconds.
local core = require "pix.core"
local hosts = require "pix.host"
local replies = require "pix.testing.replies"

local M = {}

local Testing = {}
Testing.__index = Testing

local FAILURES = { network = true, timeout = true, protocol = true, cancelled = true }
local active -- the one that runs

-- ---- Requests ----

local function path_of(url)
  local path, query = url:match("^%w+://[^/]*([^?]*)%??(.*)$")
  return path or url, query or ""
end

local function understand(self, request)
  request.path, request.query = path_of(request.url)
  local headers = {}
  for _, pair in ipairs(request.headers) do
    headers[pair[1]:lower()] = pair[2]
  end
  request.headers = headers
  request.json = request.body ~= "" and core.json_decode(request.body) or {}
  request.at = self._reactor:now()
  return request
end

local function key_of(provider, operation)
  return provider .. " " .. operation
end

-- The scripted reply comes first, then the handler, then the default.
local function reply_to(self, request)
  local key = key_of(request.provider, request.operation)
  local queue = self._script[key]
  local reply = queue and table.remove(queue, 1) or self._handlers[key]
  if type(reply) == "function" then reply = reply(request) end
  reply = reply or replies.answer(self._book, request)
  if reply then return reply end
  error(("pix.testing: nothing answers this %s %s: %s %s. Script it: t:reply(%q, %q, {…})"):format(
    request.provider, request.operation, request.method, request.url, request.provider,
    request.operation), 0)
end

local function deliver(self, request, reply)
  local reactor = self._reactor
  if reply.fail then
    reactor:fail(request.id, reply.fail, reply.sent, reply.message)
    return
  end
  local body, headers = reply.body, { ["content-type"] = "application/json" }
  for name, value in pairs(reply.headers or {}) do
    headers[name:lower()] = tostring(value)
  end
  if type(body) == "table" then body = replies.encode(body) end
  reactor:answer(request.id, { status = reply.status or 200, headers = headers, body = body or "" })
end

local TICK = 0.5e-9 -- seconds; the clock has whole nanoseconds, and less does not move it
local LATE = { fail = "timeout", sent = "maybe", message = "the scripted reply came too late" }

-- A reply that would come after the request's time-out is that time-out.
local function schedule(self, request, reply)
  local delay = reply.hang and request.timeout or reply.delay or 0
  if delay >= request.timeout then
    delay, reply = request.timeout, LATE
  end
  if delay <= 0 then return deliver(self, request, reply) end
  local later = self._later
  later[#later + 1] = { at = self._reactor:now() + delay, request = request, reply = reply }
end

local function answer_outbox(self)
  local answered = false
  while true do
    local request = self._reactor:outbox()
    if not request then return answered end
    answered = true
    understand(self, request)
    self._requests[#self._requests + 1] = request
    schedule(self, request, reply_to(self, request))
  end
end

local function answer_due(self)
  local now, kept, due = self._reactor:now(), {}, {}
  for _, item in ipairs(self._later) do
    local list = item.at <= now + 1e-9 and due or kept
    list[#list + 1] = item
  end
  self._later = kept
  for _, item in ipairs(due) do
    deliver(self, item.request, item.reply)
  end
  return #due > 0
end

-- Seconds until something happens by itself, or nil.
local function next_event(self)
  local soonest = self._reactor:next_timer()
  for _, item in ipairs(self._later) do
    local left = math.max(0, item.at - self._reactor:now())
    if not soonest or left < soonest then soonest = left end
  end
  return soonest
end

local function stuck(self)
  local lines = hosts.scheduler.describe()
  if #lines == 0 then lines[1] = "the program itself, outside every task" end
  error(("pix.testing: nothing can move any more, after %g s of virtual time. What waits:\n  %s")
    :format(self._reactor:now(), table.concat(lines, "\n  ")), 0)
end

-- What pump calls instead of waiting for the network.
local function drive(self, may_advance)
  if hosts.pump.drain() > 0 or answer_outbox(self) or answer_due(self) then return end
  if not may_advance then return end
  local seconds = next_event(self)
  if not seconds then stuck(self) end
  self._reactor:advance(seconds)
  answer_due(self)
end

-- ---- What a spec says ----

local function check_names(provider, operation, name)
  if type(provider) ~= "string" or type(operation) ~= "string" then
    error(name .. ": a provider's name and an operation were expected", 3)
  end
end

local function enqueue(self, provider, operation, reply)
  local key = key_of(provider, operation)
  self._script[key] = self._script[key] or {}
  table.insert(self._script[key], reply)
  return self
end

--- Scripts the next answer to one operation of a provider; answers are used up in their order, and
-- after them the defaults answer again.
-- @tparam string provider "ssg", …
-- @tparam string operation "charge", "status", …, "token"
-- @param reply { status = 200, body = table (sent as JSON) or text, headers = {}, delay = seconds,
--   hang = true }, or a function(request) that returns one, or nil for the default
-- @treturn table self
function Testing:reply(provider, operation, reply)
  check_names(provider, operation, "t:reply")
  if type(reply) ~= "table" and type(reply) ~= "function" then
    error("t:reply: a table or a function was expected, not " .. type(reply), 2)
  end
  return enqueue(self, provider, operation, reply)
end

--- Answers every request of one operation by a function(request), until another one is given; nil
-- takes it away. What t:reply scripted comes first.
function Testing:handle(provider, operation, handler)
  check_names(provider, operation, "t:handle")
  if handler ~= nil and type(handler) ~= "function" then
    error("t:handle: a function was expected, not " .. type(handler), 2)
  end
  self._handlers[key_of(provider, operation)] = handler
  return self
end

--- Lets the transport fail instead of an answer.
-- @tparam string provider
-- @tparam string operation
-- @tparam table failure { kind = "network" | "timeout" | "protocol", sent = "no" | "maybe",
--   message =, delay = seconds }
function Testing:fail(provider, operation, failure)
  check_names(provider, operation, "t:fail")
  failure = failure or {}
  local kind, sent = failure.kind or "network", failure.sent or "maybe"
  if not FAILURES[kind] then
    error("t:fail: kind must be network, timeout or protocol; other errors are replies with a "
      .. "status, see t:reply", 2)
  end
  if sent ~= "no" and sent ~= "maybe" then error('t:fail: sent must be "no" or "maybe"', 2) end
  return enqueue(self, provider, operation,
    { fail = kind, sent = sent, message = failure.message, delay = failure.delay })
end

--- The requests that left so far, in order: { provider, operation, method, url, path, query,
-- headers (names in lower case), body, json, at, once, timeout }.
-- @tparam[opt] string provider only of this one
-- @tparam[opt] string operation only of this kind
function Testing:requests(provider, operation)
  local list = {}
  for _, request in ipairs(self._requests) do
    if (provider == nil or request.provider == provider)
      and (operation == nil or request.operation == operation) then
      list[#list + 1] = request
    end
  end
  return list
end

--- Scripted answers that no request has asked for: { "ssg charge", … }.
function Testing:unused()
  local list = {}
  for key, queue in pairs(self._script) do
    for _ = 1, #queue do
      list[#list + 1] = key
    end
  end
  table.sort(list)
  return list
end

-- ---- Charges of the defaults ----

local function booked(self, charge, name)
  local id = type(charge) == "table" and charge.id or charge
  local found = self._book:find(id)
  if found then return found end
  error(("t:%s: no charge %s was made by a default reply"):format(name, tostring(id)), 3)
end

local function mover(name, status)
  return function(self, charge)
    local record = booked(self, charge, name)
    if not replies.providers[record.provider].words[status] then
      error(("t:%s: %s has no word for %s; script its status with t:reply"):format(name,
        record.provider, status), 2)
    end
    record.status = status
    return self
  end
end

--- Lets the provider say, from now on, that the charge (or id) is paid.
Testing.pay = mover("pay", "paid")
--- … that it has expired (payzu).
Testing.expire = mover("expire", "expired")
--- … that it was rejected (detseg).
Testing.reject = mover("reject", "rejected")
--- … that it was cancelled (ssg, payzu).
Testing.cancel = mover("cancel", "cancelled")
--- … that it was paid back (ssg).
Testing.refund = mover("refund", "refunded")

local function xor(a, b)
  local result, place = 0, 1
  while a > 0 or b > 0 do
    local x, y = a % 2, b % 2
    if x ~= y then result = result + place end
    a, b, place = (a - x) / 2, (b - y) / 2, place * 2
  end
  return result
end

local function from_hex(text)
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- RFC 2104 over the core's SHA-256: a signer of its own, apart from the verifier under test.
local function hmac(secret, body)
  if #secret > 64 then secret = from_hex(core.hex_sha256(secret)) end
  local inner, outer = {}, {}
  for i = 1, 64 do
    local byte = secret:byte(i) or 0
    inner[i], outer[i] = string.char(xor(byte, 0x36)), string.char(xor(byte, 0x5c))
  end
  local digest = from_hex(core.hex_sha256(table.concat(inner) .. body))
  return core.hex_sha256(table.concat(outer) .. digest)
end

--- Signs the body of a webhook, as payzu does: HMAC-SHA256 in hex.
function Testing.sign(_, body, secret)
  if type(body) ~= "string" or type(secret) ~= "string" then
    error("t:sign: body and secret must be strings", 2)
  end
  return hmac(secret, body)
end

--- The webhook that the provider would send about a charge as it stands.
-- @param charge a charge, or its id
-- @tparam string secret the webhook secret
-- @treturn string body
-- @treturn string signature
function Testing:webhook(charge, secret)
  local record = booked(self, charge, "webhook")
  local write = replies.providers[record.provider].webhook
  if not write then error("t:webhook: " .. record.provider .. " sends no webhooks", 2) end
  if type(secret) ~= "string" then error("t:webhook: the secret must be a string", 2) end
  local body = replies.encode(write(record))
  return body, hmac(secret, body)
end

-- ---- Time ----

-- Lets everything run that can without time passing.
local function settle(self)
  repeat
    local busy = answer_outbox(self) or answer_due(self)
    busy = hosts.pump.drain() > 0 or busy
    busy = hosts.scheduler.work() or busy
  until not busy
end

--- Lets virtual time pass, and all happen that falls into it. Inside a task it is pix.sleep.
-- @tparam number seconds
function Testing:advance(seconds)
  if type(seconds) ~= "number" or not (seconds >= 0 and seconds < math.huge) then
    error("t:advance: seconds were expected, a number ≥ 0, not " .. tostring(seconds), 2)
  end
  if hosts.scheduler.current() then return hosts.sleep(seconds) end
  local reactor = self._reactor
  local target = reactor:now() + seconds
  while true do
    settle(self)
    local left = target - reactor:now()
    if left < TICK then return self end
    reactor:advance(math.min(left, next_event(self) or left))
  end
end

--- Seconds of virtual time since the start.
function Testing:now()
  return self._reactor:now()
end

-- ---- Beginning and end ----

--- Starts: from now on nothing reaches the network.
-- @tparam[opt] table options wall = the epoch at which the virtual clock stands (tokens and cards
--   expire by it)
-- @treturn table t, on which the answers are scripted; t:stop() ends it
function M.start(options)
  if active then error("pix.testing.start: it runs already; call t:stop() after each test", 2) end
  options = options or {}
  local reactor = assert(core.virtual())
  if options.wall then reactor:set_wall(options.wall) end
  local self = setmetatable({
    _reactor = reactor, _requests = {}, _script = {}, _handlers = {}, _later = {},
    _book = replies.book(),
  }, Testing)
  active = self
  core.use(reactor)
  hosts.pump.set_driver(function(may_advance) return drive(self, may_advance) end)
  return self
end

--- Ends: the real reactor is back, and tasks that have not ended are dropped. Safe twice.
function Testing:stop()
  if active ~= self then return end
  active = nil
  hosts.scheduler.reset()
  hosts.pump.set_driver(nil)
  core.use(nil)
  self._reactor:close()
end

return M
