--- A location of OpenResty that takes webhooks: reads the body's raw bytes, verifies, remembers
-- what it has seen, answers 200 before anything slow, and wakes whoever waits for that charge.
local core = require "pix.core"
local wake = require "pix.wake"

local ngx = require "ngx"

local MAX_BODY = 65536 -- core's own limit for a webhook
local REMEMBER = 86400 -- seconds; the grace for which a charge is watched
local MOST = 10000 -- events remembered in memory, twice over

local OPTIONS = {
  secret = true, provider = true, header = true, max_body = true, dict = true, remember = true,
  on_event = true,
}

local M = {}

-- ---- Options ----

local function check(ok, message)
  if not ok then error("pix.webhook.handler: " .. message, 5) end
end

local function is_count(value)
  return type(value) == "number" and value >= 1
end

local function check_options(options)
  check(type(options) == "table", "a table of options was expected, not " .. type(options))
  for name in pairs(options) do
    check(OPTIONS[name], ("there is no option %q"):format(tostring(name)))
  end
  local secret, on_event = options.secret, options.on_event
  check(type(secret) == "string" or type(secret) == "table",
    "secret must be the webhook secret, or a list of them")
  check(on_event == nil or type(on_event) == "function", "on_event must be a function")
  check(options.max_body == nil or (is_count(options.max_body) and options.max_body <= MAX_BODY),
    ("max_body must be 1 to %d bytes"):format(MAX_BODY))
  check(options.remember == nil or is_count(options.remember), "remember must be seconds")
end

local function shared_dict(name)
  if name == nil then return nil end
  local dict = ngx.shared[name]
  check(dict, ("there is no lua_shared_dict %q in nginx.conf"):format(tostring(name)))
  return dict
end

-- ---- What has been seen ----

-- Two generations of keys: the elder is dropped when the younger is full.
local function memory()
  local young, old, count = {}, {}, 0
  return {
    add = function(key)
      if young[key] or old[key] then return false end
      if count >= MOST then young, old, count = {}, young, 0 end
      young[key], count = true, count + 1
      return true
    end,
    forget = function(key) young[key], old[key] = nil, nil end,
  }
end

-- A full dictionary drops its oldest keys. An event too many does no harm, one too few would.
local function shared_memory(dict, seconds)
  return {
    add = function(key)
      local ok, err = dict:add("seen:" .. key, true, seconds)
      return ok or err ~= "exists"
    end,
    forget = function(key) dict:delete("seen:" .. key) end,
  }
end

-- Rings in every worker: see pix.wake.
local function shared_bell(dict)
  return {
    get = function(key) return dict:get("rung:" .. key) or 0 end,
    ring = function(key) dict:incr("rung:" .. key, 1, 0, 3600) end,
  }
end

-- ---- The request ----

local function read_file(name, most)
  local file = io.open(name, "rb")
  if not file then return nil end
  local text = file:read(most + 1)
  file:close()
  return text or ""
end

-- The body's bytes; nil and an HTTP status. nginx keeps a larger body in a file.
local function read_body(most)
  if (tonumber(ngx.var.content_length) or 0) > most then return nil, 413 end
  ngx.req.read_body()
  local body = ngx.req.get_body_data()
  local file = not body and ngx.req.get_body_file()
  if file then
    body = read_file(file, most)
    if not body then return nil, 500 end
  end
  body = body or ""
  if #body > most then return nil, 413 end
  return body
end

local STATUS = { auth = 401, invalid = 400 }

local function answer(status, text)
  ngx.status = status
  ngx.header["Content-Type"] = "text/plain"
  ngx.header["Content-Length"] = #text + 1
  ngx.say(text)
  ngx.eof()
end

local function refuse(status, text)
  ngx.log(ngx.WARN, "pix: a webhook was refused with ", status, ": ", text)
  answer(status, text)
end

-- After the answer has left. An event whose handling failed is taken again when it is repeated.
local function deliver(self, event)
  wake.wake(wake.key(event))
  if not self.on_event then return end
  local ok, err = xpcall(self.on_event, debug.traceback, event)
  if not ok then
    self.seen.forget(event.key)
    ngx.log(ngx.ERR, "pix: on_event failed for ", event.key, ": ", tostring(err))
  end
end

-- The provider goes when it has its answer. Where nginx looks for that (lua_check_client_abort) it
-- would kill this coroutine, and on_event with it, unless somebody else says what is to be done.
local function outlive_client()
  ngx.on_abort(function() end)
end

local function handle(self)
  if ngx.req.get_method() ~= "POST" then
    ngx.header["Allow"] = "POST"
    return answer(405, "POST only")
  end
  local body, status = read_body(self.max_body)
  if not body then return refuse(status, "the body cannot be taken") end
  local signature = ngx.req.get_headers()[self.header]
  if type(signature) == "table" then return refuse(400, "more than one signature") end
  local event, err = core.webhook(body, signature, self.secret, self.provider)
  if not event then return refuse(STATUS[err.kind] or 500, err.message) end
  outlive_client()
  local first = self.seen.add(event.key)
  answer(200, first and "ok" or "seen already")
  if first then deliver(self, event) end
end

--- Makes the handler of a location: `content_by_lua_block { handler() }`.
-- @tparam table options
--   secret = the webhook secret, or a list of them while one is being replaced;
--   on_event = function(event), called once per event, after the answer has left; may yield;
--   dict = name of a lua_shared_dict: events are remembered, and waiting charges woken, across all
--     workers (without it in this worker's memory);
--   remember = seconds (86400); max_body = bytes (65536); provider = "payzu";
--   header = name of the signature's header ("X-<provider>-Signature")
-- @treturn function to be called in the content phase
function M.new(options)
  check_options(options)
  local dict = shared_dict(options.dict)
  local provider = options.provider or "payzu"
  local self = {
    secret = options.secret, provider = provider, on_event = options.on_event,
    header = options.header or ("X-%s-Signature"):format(provider),
    max_body = options.max_body or MAX_BODY,
    seen = dict and shared_memory(dict, options.remember or REMEMBER) or memory(),
  }
  wake.listen(dict and shared_bell(dict))
  return function() return handle(self) end
end

return M
