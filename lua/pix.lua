--- luapix: take a payment in Brazil from a Lua program.
--
--     local pix = require "pix"
--     local ssg = pix.ssg { client_id = …, client_secret = …, device_code = … }
--     local charge, err = ssg:charge { amount = "19.90" }
--
-- Everything that takes time waits as its host waits: inside pix.run only the task waits, elsewhere
-- the call blocks. Misuse raises; all else is nil and an error (docs/pix.md).
local core = require "pix.core"
local charges = require "pix.charge"
local hosts = require "pix.host"
local providers = require "pix.provider"
local tasks = require "pix.tasks"

local M = {
  card = core.card,
  money = core.money,
  format = core.format,
  tax_id = core.tax_id,
  phone = core.phone,
  qr = core.qr,
  brcode = { decode = core.brcode_decode, encode = core.brcode_encode },
  provider = providers.new,
  providers = core.providers,
  charge = charges.rebuild,
  run = hosts.scheduler.run,
  update = hosts.scheduler.update,
  on_error = hosts.scheduler.on_error,
  spawn = tasks.spawn,
  await = tasks.await,
  sleep = tasks.sleep,
  all = tasks.all,
  any = tasks.any,
  use = hosts.use,
  version = core.versions().luapix,
}

--- A descriptor that is readable while something waits for pix.update(); for other event loops.
-- @treturn integer
function M.fd()
  return core.reactor():fd()
end

--- Counters of what checkouts did, in the text format of Prometheus (docs/metrics.md).
-- @treturn string
function M.metrics()
  return require("pix.metrics").text()
end

-- Modules that are loaded when they are asked for.
local LAZY = { webhook = true, testing = true, sandbox = true, checkout = true, flow = true }

-- pix.testing stands below the flows: what it has for them is added up here.
local function load_testing()
  local testing = require "pix.testing"
  testing.flow = testing.flow or function(where) return require("pix.flow.testing").flow(where) end
  return testing
end

-- pix.ssg{…}, pix.detseg{…} and so on, for whatever is registered in the core.
local function constructor(name)
  for _, known in ipairs(core.providers()) do
    if known == name then
      return function(options) return providers.new(name, options) end
    end
  end
end

return setmetatable(M, {
  __index = function(self, name)
    local value = name == "testing" and load_testing()
      or LAZY[name] and require("pix." .. name) or constructor(name)
    rawset(self, name, value)
    return value
  end,
})
