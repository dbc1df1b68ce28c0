--- Providers from the environment: which variables make which options, and which provider is meant.
local core = require("pix.core")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")

local M = { names = core.providers(), rows = {} }

-- By provider: the prefix of its variables, and its options. A variable is PREFIX_OPTION, in
-- capitals. base_url is common to all: it makes `pix` talk to the sandbox. Nothing is charged
-- without those that are needed: the required ones, and the webhook where a charge must have one.
local function row_of(facts)
  local row = { prefix = facts.environment .. "_", required = facts.credentials, needed = {},
    optional = facts.options, common = { "base_url" }, webhook = facts.webhook_option }
  for i, option in ipairs(row.required) do
    row.needed[i] = option
  end
  row.needed[#row.needed + 1] = row.webhook
  return row
end

for _, name in ipairs(M.names) do
  M.rows[name] = row_of(core.provider_facts(name))
end

-- The sandbox never sends anything but to this machine; to a name like this it refuses.
local NO_WEBHOOK = "https://shop.invalid/webhook"
local IN_SANDBOX = "payzu" -- needs nothing but the amount, and its code is a BR Code

local function variable(row, option)
  return row.prefix .. option:upper()
end

--- The variables of a provider.
-- @tparam string name
-- @tparam string which "required", "needed", "optional" or "common"
-- @treturn {string,…}
function M.variables(name, which)
  local row, list = M.rows[name], {}
  for i, option in ipairs(row[which]) do
    list[i] = variable(row, option)
  end
  return list
end

local function set(text)
  return text ~= nil and text ~= "" and text or nil
end

--- The options that the environment gives for a provider.
-- @treturn table options
-- @treturn {string,…} the variables that are missing
-- @treturn boolean whether any of its own is there
function M.options(name, getenv)
  local row, options, missing, any = M.rows[name], {}, {}, false
  for _, option in ipairs(row.required) do
    options[option] = set(getenv(variable(row, option)))
    if options[option] then
      any = true
    else
      missing[#missing + 1] = variable(row, option)
    end
  end
  for _, option in ipairs(row.optional) do
    options[option] = set(getenv(variable(row, option)))
    any = any or options[option] ~= nil
  end
  options.base_url = set(getenv(variable(row, "base_url")))
  options.ca_file = set(getenv("PIX_CA_FILE"))
  options.proxy = set(getenv("PIX_PROXY"))
  return options, missing, any
end

--- Starts a sandbox.
-- @treturn table|nil as pix.sandbox.start, or nil and an error of kind "config"
function M.start_sandbox(options)
  local ok, started = pcall(require("pix.sandbox").start, options)
  if ok then
    return started
  elseif interrupt.is(started) then
    error(started, 0)
  end
  return nil, { kind = "config", sent = "no", message = tostring(started),
    hint = "it needs lua-http (Debian: lua-http), and a port that is free" }
end

--- The options with which a running sandbox is asked. Secrets of webhooks are the provider's.
function M.sandbox_options(name, sandbox)
  local options = { base_url = sandbox.url[name] }
  for key, value in pairs(sandbox.credentials[name]) do
    options[key] = value
  end
  local webhook = M.rows[name].webhook
  if webhook then
    options[webhook] = NO_WEBHOOK
  end
  return options
end

local function config_error(message, hint)
  return nil, { kind = "config", sent = "no", message = message, hint = hint }
end

-- The providers whose required variables are all there, and those with some of them.
local function configured(getenv)
  local whole, partly = {}, {}
  for _, name in ipairs(M.names) do
    local _, missing, any = M.options(name, getenv)
    if #missing == 0 then
      whole[#whole + 1] = name
    elseif any then
      partly[#partly + 1] = ("%s (without %s)"):format(name, table.concat(missing, ", "))
    end
  end
  return whole, partly
end

-- The only one that the environment configures.
local function the_only_one(getenv)
  local whole, partly = configured(getenv)
  if #whole == 1 then
    return whole[1]
  elseif #whole > 1 then
    return config_error("several providers are configured: " .. table.concat(whole, ", "),
      "name one: --provider " .. whole[1] .. ", or PIX_PROVIDER=" .. whole[1])
  end
  return config_error("no provider is configured"
    .. (#partly > 0 and ": " .. table.concat(partly, "; ") or ""),
    "put credentials into the environment or into .env (pix providers lists the names), "
    .. "or try --sandbox")
end

--- The name of the provider that is meant.
-- @treturn string|nil name, or nil, an error, and an exit status where it is not the error's own
function M.choose(asked, getenv, sandbox)
  local name = asked or set(getenv("PIX_PROVIDER")) or sandbox and IN_SANDBOX
  if not name then
    return the_only_one(getenv)
  elseif not M.rows[name] then
    local _, err = config_error(("there is no provider %q"):format(name),
      "providers: " .. table.concat(M.names, ", "))
    return nil, err, exit.USAGE
  end
  return name
end

--- The provider object.
-- @treturn provider|nil, or nil, an error, and perhaps an exit status
function M.open(asked, getenv, sandbox)
  local name, err, status = M.choose(asked, getenv, sandbox)
  if not name then
    return nil, err, status
  end
  local pix = require("pix")
  if sandbox then
    return pix.provider(name, M.sandbox_options(name, sandbox))
  end
  local options, missing = M.options(name, getenv)
  if #missing > 0 then
    return config_error(("%s lacks %s"):format(name, table.concat(missing, ", ")),
      "put it into the environment or into .env")
  end
  return pix.provider(name, options)
end

return M
