--- The simulator without its sockets: a request in, a reply and perhaps a fault out.
-- It keeps the ledger, the faults and the list of requests; server.lua gives it its I/O.
local cjson = require("cjson").new()
local faults = require("pix.sandbox.faults")
local json = require("pix.sandbox.json")
local ledger = require("pix.sandbox.ledger")
local redact = require("pix.sandbox.redact")

local M = {}
M.__index = M

local MAX_REQUESTS = 10000 -- kept for requests(); older ones are forgotten

local function merged(defaults, given)
  local result = {}
  for name, value in pairs(defaults) do
    result[name] = value
  end
  for name, value in pairs(given or {}) do
    if defaults[name] == nil then
      error(("unknown option %q"):format(tostring(name)), 0)
    end
    result[name] = value
  end
  return result
end

-- What a provider module may know and do.
local function new_context(app, module, given)
  return {
    ledger = app.ledger,
    now = app.now,
    options = merged(module.options, given),
    credentials = module.credentials,
    find = function(id) return app.ledger:find(id, module.name) end,
    move = function(charge, status) return app:move(charge, status) end,
    word = function(charge) return charge.raw_status or module.words[charge.status] end,
    add = function(charge)
      charge.provider = module.name
      app.ledger:add(charge)
      app.on_charge(charge)
    end,
  }
end

--- @tparam {string,…} names of the providers that are simulated
-- @tparam table options per provider a table of its options
-- @tparam function now seconds since 1970
function M.new(names, options, now)
  local self = setmetatable({ now = now, ledger = ledger.new(now), modules = {} }, M)
  self.on_charge = function() end
  self.on_change = function() end
  self._contexts, self._secrets = {}, {}
  for _, name in ipairs(names) do
    local module = require("pix.sandbox." .. name)
    self.modules[name] = module
    self._contexts[name] = new_context(self, module, options[name])
    for _, secret in ipairs(redact.secrets_of(module.credentials)) do
      self._secrets[#self._secrets + 1] = secret
    end
  end
  self.faults = faults.new(self.modules)
  self:forget()
  return self
end

--- Forgets requests and what they counted.
function M:forget()
  self._requests, self._first, self._last = {}, 1, 0
  self._counts = {}
end

--- Back to the beginning, except for open connections.
function M:reset()
  self.ledger:reset()
  self.faults:clear()
  self:forget()
end

--- Moves a charge and tells who listens (webhooks).
function M:move(charge, status)
  local moved, why = self.ledger:move(charge, status)
  if moved then
    self.on_change(charge)
  end
  return moved, why
end

--- The provider and the path below its base URL, or nil.
function M:locate(path)
  for _, module in pairs(self.modules) do
    local prefix = module.prefix
    if path:sub(1, #prefix + 1) == prefix .. "/" then
      return module, path:sub(#prefix + 1)
    end
  end
  return nil
end

local function decode_arguments(query)
  local arguments = {}
  for name, value in (query or ""):gmatch("([^&=]+)=?([^&]*)") do
    arguments[name] = value:gsub("+", " "):gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end)
  end
  return arguments
end

-- Fills in what the provider modules read; a body that is not declared as JSON is not read.
local function understand(request)
  request.args = decode_arguments(request.query)
  request.bearer = (request.headers.authorization or ""):match("^[Bb]earer (.+)$")
  if (request.headers["content-type"] or ""):find("^application/json") then
    request.data = json.decode(request.body)
  end
end

-- The values that a request may show by mistake: any account's, and the token that it came with.
function M:_secrets_in(request)
  local list = { request.bearer }
  for i, secret in ipairs(self._secrets) do
    list[i + (request.bearer and 1 or 0)] = secret
  end
  return list
end

--- A request's path as it may be printed.
function M:shown_path(request)
  return redact.text(request.path, self:_secrets_in(request))
end

-- Keeps what requests() shows, and counts it. Returns the record, for what is learnt later.
function M:_record(request)
  local shown = redact.request(request, self:_secrets_in(request))
  self._last = self._last + 1
  request.n = self._last
  local record = {
    n = request.n, provider = request.provider, operation = request.operation,
    method = request.method, path = shown.path, query = shown.query, headers = shown.headers,
    body = shown.body, connection = request.connection, reused = request.reused,
    version = request.version, scheme = request.scheme,
  }
  self._requests[request.n] = record
  if request.n - self._first >= MAX_REQUESTS then
    self._requests[self._first] = nil
    self._first = self._first + 1
  end
  local key = request.provider .. " " .. tostring(request.operation)
  self._counts[key] = (self._counts[key] or 0) + 1
  return record
end

local function wanted(filter, provider, operation)
  return (filter.provider == nil or filter.provider == provider)
    and (filter.operation == nil or filter.operation == operation)
end

--- The requests so far, of one provider or operation where the filter says so.
function M:requests(filter)
  local list = {}
  for n = self._first, self._last do
    local record = self._requests[n]
    if wanted(filter, record.provider, record.operation) then
      list[#list + 1] = record
    end
  end
  return list
end

--- How many they were, the forgotten ones included.
function M:count(filter)
  local sum = 0
  for key, count in pairs(self._counts) do
    local provider, operation = key:match("^(%S+) (%S+)$")
    if wanted(filter, provider, operation) then
      sum = sum + count
    end
  end
  return sum
end

function M:_process(module, request)
  local context = self._contexts[module.name]
  if not request.operation then
    return module.not_found(context, request)
  elseif not module.open[request.operation] and not module.authorised(context, request) then
    return module.denied(context, request)
  end
  local reply = module.handle[request.operation](context, request)
  local charge = request.operation == "charge" and reply.charge and self.ledger:find(reply.charge)
  if charge then
    charge.created_by_request = request.n
  end
  return reply
end

function M:_answer(module, request, fault)
  if fault and fault.kind == "amount" then
    request.fault_amount = fault.value
  elseif fault and fault.kind == "expired_token" then
    self.ledger:revoke(module.name, request.bearer)
    return module.denied(self._contexts[module.name], request)
  end
  if fault and not fault.processed then
    return { status = 200, body = "" }
  end
  return self:_process(module, request)
end

local function body_text(body)
  if type(body) ~= "table" then
    return body
  end
  -- a fault's body is a plain table, a provider's an ordered object
  return getmetatable(body) and json.encode(body) or cjson.encode(body)
end

--- Answers a request {method, path, query, headers, body, connection, reused, version, scheme}.
-- @treturn table reply {status, body (text), content_type, headers, charge}
-- @treturn table|nil the fault with which it is to be delivered
function M:serve(request)
  local module, path = self:locate(request.path)
  if not module then
    return { status = 404, body = '{"message": "No provider is simulated here."}' }
  end
  request.provider, request.path = module.name, path
  understand(request)
  request.operation = module.route(request)
  local record = self:_record(request)
  local fault = self.faults:take(request)
  local reply = self:_answer(module, request, fault)
  if fault then
    reply = faults.shape(fault, reply, module)
  end
  record.status, record.charge = reply.status, reply.charge
  record.fault = fault and fault.kind
  reply.body = body_text(reply.body)
  return reply, fault
end

return M
