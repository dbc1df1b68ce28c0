--- Faults on demand: which request gets one, and how it changes the answer.
-- A fault has one kind, which either shapes the reply (here) or spoils its delivery (wire.lua).
-- `processed` says whether the request changes the state before the fault happens.
local json = require("pix.sandbox.json")

local M = {}
M.__index = M

local function is_true(value) return value == true, "true" end
local function is_text(value) return type(value) == "string" and value ~= "", "a text" end

local function is_positive(value)
  return type(value) == "number" and value > 0, "a number above 0"
end

local function is_count(value)
  return type(value) == "number" and value >= 1 and value % 1 == 0, "a whole number above 0"
end

local function is_status(value)
  return is_count(value) and value >= 200 and value <= 599, "an HTTP status from 200 to 599"
end

local function is_moment(value)
  return value == "before" or value == "after", '"before" or "after"'
end

local function is_garbage(value) return value == true or value == "http", 'true or "http"' end

-- One row a kind: its test, and whether the request is processed first unless told otherwise.
local KINDS = {
  hang = { is_true, false },
  reset = { is_moment, false },
  truncate = { is_positive, true },
  truncate_headers = { is_true, true },
  no_length = { is_true, true },
  garbage = { is_garbage, true },
  content_type = { is_text, true },
  empty = { is_true, true },
  huge = { is_count, true },
  gzip_bomb = { is_count, true },
  drip = { is_positive, true },
  redirect = { is_text, false },
  expired_token = { is_true, false },
  amount = { is_count, true },
  missing_id = { is_true, true },
  close_keepalive = { is_true, false },
}

local MODIFIERS = {
  provider = is_text,
  operation = is_text,
  times = function(value)
    return value == "always" or is_count(value), 'a whole number above 0 or "always"'
  end,
  after = function(value) return value == 0 or is_count(value), "a whole number" end,
  status = is_status,
  delay = is_positive,
  body = function(value)
    return type(value) == "string" or type(value) == "table", "a text or a table"
  end,
  headers = function(value) return type(value) == "table", "a table of texts" end,
  processed = function(value) return type(value) == "boolean", "true or false" end,
}

local function test_values(given)
  for name, value in pairs(given) do
    local test = MODIFIERS[name] or KINDS[name] and KINDS[name][1]
    if not test then
      return nil, ("fault: unknown key %q"):format(tostring(name))
    end
    local ok, wanted = test(value)
    if not ok then
      return nil, ("fault: %s must be %s"):format(name, wanted)
    end
  end
  return true
end

local function kind_of(given)
  local kind
  for name in pairs(KINDS) do
    if given[name] ~= nil then
      if kind then
        local pair = { kind, name }
        table.sort(pair)
        return nil, ("fault: %s and %s exclude each other"):format(pair[1], pair[2])
      end
      kind = name
    end
  end
  kind = kind or given.status and "status" or given.delay and "delay"
  if not kind then
    return nil, "fault: says no fault (status, delay, hang, reset, …)"
  end
  return kind
end

local function test_scope(given, providers)
  local known = given.provider and providers[given.provider]
  if given.provider and not known then
    return nil, ("fault: unknown provider %q"):format(given.provider)
  end
  if not given.operation then
    return true
  end
  for _, module in pairs(known and { known } or providers) do
    for _, operation in ipairs(module.operations) do
      if operation == given.operation then
        return true
      end
    end
  end
  return nil, ("fault: unknown operation %q%s"):format(given.operation,
    known and " of " .. given.provider or "")
end

local function processed_of(given, kind)
  if given.processed ~= nil then
    return given.processed
  elseif kind == "reset" then
    return given.reset == "after"
  elseif kind == "delay" then
    return true
  end
  return KINDS[kind] ~= nil and KINDS[kind][2]
end

--- @tparam table providers name → module of each simulated provider
function M.new(providers)
  return setmetatable({ _providers = providers, _list = {}, _next = 1 }, M)
end

--- Adds a fault.
-- @treturn table|nil the fault, or nil and what is wrong with the arguments
function M:add(given)
  local ok, why = test_values(given)
  local kind
  if ok then
    kind, why = kind_of(given)
  end
  if kind then
    ok, why = test_scope(given, self._providers)
  end
  if not (kind and ok) then
    return nil, why
  end
  local fault = {
    id = self._next, kind = kind, value = given[kind], provider = given.provider,
    operation = given.operation, skip = given.after or 0, hits = 0,
    remaining = given.times == "always" and math.huge or given.times or 1,
    status = given.status, body = given.body, headers = given.headers, delay = given.delay,
    processed = processed_of(given, kind),
  }
  self._next = self._next + 1
  self._list[#self._list + 1] = fault
  return fault
end

--- Removes all faults; those under way are told by the caller.
function M:clear()
  self._list = {}
end

--- All faults with the number of their hits.
function M:list()
  local list = {}
  for i, fault in ipairs(self._list) do
    list[i] = { id = fault.id, kind = fault.kind, provider = fault.provider,
      operation = fault.operation, hits = fault.hits,
      remaining = fault.remaining == math.huge and "always" or fault.remaining }
  end
  return list
end

local function concerns(fault, request)
  return fault.remaining > 0
    and (fault.provider == nil or fault.provider == request.provider)
    and (fault.operation == nil or fault.operation == request.operation)
    and (fault.kind ~= "close_keepalive" or request.reused)
end

--- The fault that this request gets, or nil; it counts as used.
function M:take(request)
  for _, fault in ipairs(self._list) do
    if concerns(fault, request) then
      if fault.skip == 0 then
        fault.remaining = fault.remaining - 1
        fault.hits = fault.hits + 1
        return fault
      end
      fault.skip = fault.skip - 1
    end
  end
  return nil
end

local HTML = "<!DOCTYPE html><html><head><title>Bad Gateway</title></head>"
  .. "<body><h1>Bad Gateway</h1></body></html>"

-- What each kind makes of the reply; a kind that is not here leaves it alone.
local SHAPES = {
  garbage = function(fault, reply)
    reply.body = fault.value == true and "\0\255\254{{{[\"\1 not JSON" or reply.body
  end,
  content_type = function(fault, reply)
    reply.body = fault.body or HTML
    reply.content_type = fault.value
  end,
  empty = function(_, reply)
    reply.status, reply.body = 200, ""
  end,
  redirect = function(fault, reply)
    reply.status, reply.body = 302, ""
    reply.headers = { location = fault.value }
  end,
  missing_id = function(_, reply, module)
    if type(reply.body) == "table" then
      reply.body = json.without(reply.body, module.id_members)
    end
  end,
}

--- Applies a fault to the reply that the provider would give ({status, body}).
-- @tparam table module the provider's, for its id members
function M.shape(fault, reply, module)
  local shape = SHAPES[fault.kind]
  if shape then
    shape(fault, reply, module)
  elseif fault.body then
    reply.body = fault.body
  end
  reply.status = fault.status or reply.status
  for name, value in pairs(fault.headers or {}) do
    reply.headers = reply.headers or {}
    reply.headers[name:lower()] = tostring(value)
  end
  return reply
end

return M
