--- Default answers of a provider that has none of its own in replies.lua: those of its simulator,
-- lua/pix/sandbox/NAME.lua. Whoever adds a provider writes one simulator for both. Credentials are
-- not asked for, but for those that the simulator compares with a request's body.
local core = require "pix.core"

local M = {}

local ledgers = setmetatable({}, { __mode = "k" }) -- by book: the same charges, as a simulator asks

local function ledger_of(book)
  ledgers[book] = ledgers[book] or require("pix.sandbox.ledger").new(os.time)
  return ledgers[book]
end

-- What the simulator may know and do, as pix.sandbox.app gives it; tokens are replies.lua's.
local function context_of(book, simulator)
  local ledger = ledger_of(book)
  return {
    ledger = ledger, now = os.time,
    options = simulator.options, credentials = simulator.credentials,
    word = function(charge) return charge.raw_status or simulator.words[charge.status] end,
    move = function(charge, status) return ledger:move(charge, status) end,
    find = function(id) return ledger:find(id, simulator.name) end,
    add = function(charge)
      charge.provider = simulator.name
      ledger:add(charge)
      book:add(charge)
    end,
  }
end

-- The path below the provider's own address.
local function path_below(request)
  local root = core.provider_facts(request.provider).base_url:match "^%a+://[^/]+(.*)$"
  if request.path:sub(1, #root + 1) == root .. "/" then return request.path:sub(#root + 1) end
  return request.path
end

local function arguments_of(query)
  local arguments = {}
  for name, value in query:gmatch "([^&=]+)=([^&]*)" do arguments[name] = value end
  return arguments
end

local function encoded(raw, body)
  return raw(type(body) == "table" and require("pix.sandbox.json").encode(body) or body)
end

-- One operation: (book, request) → reply, as in replies.lua.
local function answerer(simulator, raw)
  return function(book, request)
    local context = context_of(book, simulator)
    local asked = { method = request.method, path = path_below(request), body = request.body,
      headers = request.headers, data = request.json, args = arguments_of(request.query) }
    asked.operation = simulator.route(asked)
    local handler = simulator.handle[asked.operation]
    local reply = handler and handler(context, asked) or simulator.not_found(context, asked)
    return { status = reply.status, headers = reply.headers, body = encoded(raw, reply.body) }
  end
end

--- The answers of a provider, as a table of operations.
-- @tparam string name
-- @tparam function raw text → a body that goes out as it is
-- @treturn table|nil nil: the sandbox does not simulate it
function M.provider(name, raw)
  if not core.provider_facts(name) then return nil end
  local where = "pix.sandbox." .. name
  if not package.searchpath(where, package.path) then return nil end
  local simulator = require(where)
  local answers = { words = simulator.words }
  for _, operation in ipairs(simulator.operations) do
    answers[operation] = answerer(simulator, raw)
  end
  if simulator.event then
    answers.webhook = function(charge) return encoded(raw, simulator.event(charge)) end
  end
  return answers
end

return M
