--- Sends the webhooks of the simulated providers, signed, to loopback addresses only.
-- Each event is a delivery with a record; by option deliveries are held (and released in either
-- order), delayed, sent several times, or tampered with. There are no retries.
local basexx = require("basexx")
local cqueues = require("cqueues")
local condition = require("cqueues.condition")
local hmac = require("openssl.hmac")
local http_request = require("http.request")

local M = {}
M.__index = M

local TIMEOUT = 10
local ENCODINGS = {
  hex = function(mac) return basexx.to_hex(mac):lower() end,
  HEX = function(mac) return basexx.to_hex(mac):upper() end,
  ["sha256=hex"] = function(mac) return "sha256=" .. basexx.to_hex(mac):lower() end,
  base64 = function(mac) return basexx.to_base64(mac) end,
}
local TAMPERINGS = { body = true, signature = true, none = true }
local DEFAULTS = { enabled = true, encoding = "hex", copies = 1, delay = 0, hold = false,
  tamper = "none" }

--- @tparam table cq the controller on which deliveries run
function M.new(cq)
  local self = setmetatable({ _cq = cq, _idle = condition.new(), _generation = 0 }, M)
  self:reset()
  return self
end

--- Forgets the deliveries and goes back to the default options.
function M:reset()
  self._list, self._held, self._running = {}, {}, 0
  self._generation = self._generation + 1
  self._options = DEFAULTS
end

local function test_option(name, value)
  if DEFAULTS[name] == nil then
    return ("webhook: unknown option %q"):format(tostring(name))
  elseif type(value) ~= type(DEFAULTS[name]) then
    return ("webhook: %s must be a %s"):format(name, type(DEFAULTS[name]))
  elseif name == "encoding" and not ENCODINGS[value] then
    return "webhook: encoding must be hex, HEX, sha256=hex or base64"
  elseif name == "tamper" and not TAMPERINGS[value] then
    return "webhook: tamper must be none, body or signature"
  end
  return nil
end

--- Sets options for the events to come; what is not named keeps its value.
-- @treturn boolean|nil true, or nil and what is wrong
function M:configure(given)
  local options = {}
  for name, value in pairs(self._options) do
    options[name] = value
  end
  for name, value in pairs(given) do
    local wrong = test_option(name, value)
    if wrong then
      return nil, wrong
    end
    options[name] = value
  end
  self._options = options
  return true
end

-- Only this machine is ever contacted.
local function is_loopback(url)
  local authority = url:match("^https?://([^/?#]+)")
  if not authority or authority:find("@", 1, true) then
    return false
  end
  local host = authority:match("^%[(.-)%]") or authority:match("^([^:]+)")
  return host == "localhost" or host == "::1" or (host or ""):match("^127%.%d+%.%d+%.%d+$") ~= nil
end

local function post(delivery)
  local request = http_request.new_from_uri(delivery.url)
  request.version = 1.1
  request.follow_redirects = false
  request.headers:upsert(":method", "POST")
  request.headers:upsert("content-type", "application/json")
  request.headers:upsert("x-payzu-signature", delivery.signature)
  request:set_body(delivery.body)
  local headers, stream = request:go(TIMEOUT)
  if not headers then
    return nil, tostring(stream)
  end
  stream:get_body_as_string(TIMEOUT)
  stream:shutdown()
  return tonumber(headers:get(":status"))
end

function M:_finish(generation)
  if generation == self._generation then
    self._running = self._running - 1
    self._idle:signal()
  end
end

function M:_send(delivery)
  local generation = self._generation
  delivery.state = "sending"
  self._running = self._running + 1
  self._cq:wrap(function()
    if delivery.delay > 0 then
      cqueues.sleep(delivery.delay)
    end
    local ok, status, why = pcall(post, delivery)
    delivery.http_status = ok and status or nil
    delivery.error = not ok and tostring(status) or why
    delivery.state = delivery.http_status and "delivered" or "failed"
    self:_finish(generation)
  end)
end

function M:_sign(body, secret)
  local options = self._options
  local signature = ENCODINGS[options.encoding](hmac.new(secret, "sha256"):final(body))
  if options.tamper == "signature" then
    signature = signature:gsub("(%w)(%W*)$", function(last, rest)
      return (last == "0" and "1" or "0") .. rest
    end)
  elseif options.tamper == "body" then
    body = body:gsub('"completed"', '"completed" ', 1):gsub("}$", " }")
  end
  return signature, body
end

--- Announces a charge's new status to its webhook address.
-- @tparam table charge with webhook, a URL
-- @tparam string body the event as the provider writes it
-- @tparam string secret
function M:announce(charge, body, secret)
  local options = self._options
  if not options.enabled then
    return
  end
  local signature, sent = self:_sign(body, secret)
  for _ = 1, options.copies do
    local delivery = { n = #self._list + 1, id = charge.id, provider = charge.provider,
      status = charge.status, url = charge.webhook, body = sent, signature = signature,
      delay = options.delay, state = "held" }
    self._list[delivery.n] = delivery
    if not is_loopback(charge.webhook) then
      delivery.state, delivery.error = "refused", "only loopback addresses are contacted"
    elseif options.hold then
      self._held[#self._held + 1] = delivery
    else
      self:_send(delivery)
    end
  end
end

--- Sends what is held, the newest first if `reverse`. They go one after another.
function M:release(reverse)
  local held = self._held
  self._held = {}
  self._running = self._running + 1
  local generation = self._generation
  self._cq:wrap(function()
    for i = 1, #held do
      self:_send(held[reverse and #held + 1 - i or i])
      while self._generation == generation and self._running > 1 do
        self._idle:wait()
      end
    end
    self:_finish(generation)
  end)
  return #held
end

--- The deliveries so far; waits up to `timeout` seconds for those under way. May yield.
function M:list(timeout)
  local deadline = cqueues.monotime() + (timeout or 0)
  while self._running > 0 and cqueues.monotime() < deadline do
    self._idle:wait(deadline - cqueues.monotime())
  end
  return self._list
end

return M
