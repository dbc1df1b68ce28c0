--- A stateful simulator of the three providers' APIs, as a child process on loopback.
-- @module pix.sandbox
local child = require("pix.sandbox.child")

local M = {}

local OPTIONS = { port = "number", https_port = "number", expires_after = "number",
  auto_pay = "number", log = "boolean", colour = "boolean", interpreter = "string",
  detseg = "table", ssg = "table", payzu = "table" }

-- The child's configuration from start()'s options; an unknown one raises.
local function configuration(options)
  local config = { providers = {} }
  for name, value in pairs(options) do
    if not OPTIONS[name] then
      error(("pix.sandbox: unknown option %q"):format(tostring(name)), 3)
    elseif type(value) ~= OPTIONS[name] then
      error(("pix.sandbox: %s must be a %s"):format(name, OPTIONS[name]), 3)
    end
    local place = OPTIONS[name] == "table" and config.providers or config
    place[name] = value
  end
  config.interpreter = nil
  return config
end

-- A charge is named by its id or by any table that has one.
local function id_of(charge)
  return type(charge) == "table" and charge.id or charge
end

local function copy(args)
  local result = {}
  for name, value in pairs(args or {}) do
    result[name] = value
  end
  return result
end

local function add_charge_commands(sb, call)
  for _, name in ipairs({ "pay", "expire", "reject", "cancel", "refund", "charge", "notify" }) do
    sb[name] = function(charge, args)
      args = copy(args)
      args.id = id_of(charge)
      return call(name, args)
    end
  end
  function sb.say(charge, word)
    return call("say", { id = id_of(charge), word = word })
  end
end

local function add_table_commands(sb, call)
  for _, name in ipairs({ "ledger", "requests", "count", "fault", "faults", "clear_faults",
    "webhook", "webhooks", "release_webhooks", "expire_tokens", "reset" }) do
    sb[name] = function(args)
      return call(name, copy(args))
    end
  end
end

--- Starts a sandbox and waits until it listens. Raises when it cannot be started.
-- @tparam[opt] table options port, https_port (0 = any), expires_after and auto_pay (seconds),
-- log (true = a line a request on stderr), colour, interpreter, and per provider a table:
-- detseg, ssg, payzu
-- @treturn table the running sandbox: url, https_url, ca_file, credentials, cards, and the
-- functions that docs/sandbox.md lists
function M.start(options)
  options = options or {}
  local config = configuration(options)
  config.control = true
  local process, info = child.start(config, options.interpreter)
  if not process then
    error(info, 2)
  end
  local sb = info
  local function call(name, args)
    if not process then
      error("the sandbox has been stopped", 3)
    end
    local result, why = process:call(name, args)
    if result == nil then
      error(why, 3)
    end
    return result
  end
  add_charge_commands(sb, call)
  add_table_commands(sb, call)

  function sb.stop()
    if process then
      process:close()
      process = nil
    end
  end
  return sb
end

--- Runs a sandbox in the foreground, for `pix sandbox`; returns when it has been ended.
-- @tparam[opt] table options as start() takes them
-- @treturn boolean whether it ended well
function M.run(options)
  options = options or {}
  local config = configuration(options)
  config.log = config.log ~= false
  local result = child.foreground(config, options.interpreter)
  return result == true or result == 0
end

return M
