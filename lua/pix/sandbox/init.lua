--- A stateful simulator of the three providers' APIs, as a child process on loopback.
-- @module pix.sandbox
local child = require("pix.sandbox.child")
local console = require("pix.sandbox.console")
local providers = require("pix.sandbox.providers")

local M = {}

local OPTIONS = { port = "number", https_port = "number", expires_after = "number",
  auto_pay = "number", log = "boolean", colour = "boolean", interpreter = "string" }
for _, name in ipairs(providers.names()) do
  OPTIONS[name] = "table"
end

-- The child's configuration from start()'s options; an unknown one raises at the caller's level.
local function configuration(options, level)
  local config = { names = providers.names(), providers = {} }
  for name, value in pairs(options) do
    if not OPTIONS[name] then
      error(("pix.sandbox: unknown option %q"):format(tostring(name)), level)
    elseif type(value) ~= OPTIONS[name] then
      error(("pix.sandbox: %s must be a %s"):format(name, OPTIONS[name]), level)
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

-- Fills in the functions of a running sandbox.
local function add_commands(sb, process)
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
end

local function start(options, level)
  local config = configuration(options or {}, level + 1)
  local process, info = child.start(config, options and options.interpreter)
  if not process then
    error(info, level)
  end
  add_commands(info, process)
  return info, process
end

--- Starts a sandbox and waits until it listens. Raises when it cannot be started.
-- @tparam[opt] table options port, https_port (0 = any), expires_after and auto_pay (seconds),
-- log (true = a line a request on stderr), colour, interpreter, and per provider a table of its
-- name: detseg, ssg, payzu …
-- @treturn table the running sandbox: url, https_url, ca_file, credentials, cards, and the
-- functions that docs/sandbox.md lists
function M.start(options)
  return (start(options, 3))
end

--- Runs a sandbox in the foreground, for `pix sandbox`: shows where it listens, logs requests on
-- stderr and obeys what is typed, until `quit` or Ctrl-C. Without a keyboard it serves on.
-- @tparam[opt] table options as start() takes them
function M.run(options)
  options = copy(options)
  options.log = options.log ~= false
  local sb, process = start(options, 3)
  io.stderr:write(console.banner(sb), "\n")
  local ok, why = pcall(function()
    if not console.obey(sb, io.stdin, io.stderr) then
      process:wait()
    end
  end)
  sb.stop()
  -- the interpreter reports Ctrl-C as an error of that name
  if not ok and not tostring(why):find("interrupted!", 1, true) then
    error(why, 0)
  end
end

return M
