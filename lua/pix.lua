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

local M = {}

--- The version of luapix, as text.
M.version = core.versions().luapix

-- ---- Providers and charges ----

--- Makes a provider object by its name; pix.ssg { … } is short for pix.provider("ssg", { … }).
-- @function M.provider
-- @tparam string name
-- @tparam table options credentials and settings (docs/providers.md)
-- @treturn table|nil the provider, or nil and an error of kind "config" that names the option
M.provider = providers.new

--- The names of the providers that are built in, sorted.
-- @function M.providers
-- @treturn {string,...}
M.providers = core.providers

--- Rebuilds a charge that was saved (docs/charge.md).
-- @function M.charge
-- @tparam table saved its fields, as from JSON
-- @tparam[opt] table provider the object it belongs to; else the last one made of that name
-- @treturn table|nil the charge, or nil and an error that names the field
M.charge = charges.rebuild

--- Takes a card into memory that is wiped, and that only a provider's encoder can read.
-- @function M.card
-- @tparam table details number, cvv, expiry ("MM/YYYY"), holder; validate = false for a simulator
-- @treturn userdata|nil the card, or nil and an error that quotes nothing of it
M.card = core.card

-- ---- Money and texts ----

--- Reads an amount: whole centavos, or reais as people write them (docs/money.md).
-- @function M.money
-- @tparam integer|string value
-- @treturn integer|nil centavos, or nil and an error
M.money = core.money

--- Writes centavos as "R$ 1.234,56".
-- @function M.format
-- @tparam integer centavos
-- @treturn string
M.format = core.format

--- Checks a CPF or CNPJ.
-- @function M.tax_id
-- @tparam string text
-- @treturn string|nil "cpf" or "cnpj", or nil and an error
-- @treturn string its digits (and letters), without signs
M.tax_id = core.tax_id

--- Checks a Brazilian phone number.
-- @function M.phone
-- @tparam string text
-- @treturn string|nil "+55…", or nil and an error
M.phone = core.phone

--- Draws a text as a QR code (docs/qr.md).
-- @function M.qr
-- @tparam string text
-- @tparam[opt="text"] string format "text", "png", "svg" or "matrix"
-- @tparam[opt] table options scale, margin, level, colour
-- @treturn string|table|nil the picture, or nil and an error
M.qr = core.qr

--- `brcode.decode(text)` and `brcode.encode(table)`: the text of a Pix QR code (docs/brcode.md).
M.brcode = { decode = core.brcode_decode, encode = core.brcode_encode }

-- ---- Waiting (docs/scheduler.md) ----

--- Runs f as a task, and every task there is, until all have ended.
-- @function M.run
-- @tparam function f
-- @param ... its arguments
-- @return what f returned; what it raised is raised again
M.run = hosts.scheduler.run

--- Does what can be done now, for a loop that has other work.
-- @function M.update
-- @tparam[opt=0] number seconds to wait at most for something to do
-- @tparam[opt] number budget seconds to work at most
-- @treturn integer tasks that have not ended
M.update = hosts.scheduler.update

--- Who hears of errors in tasks that nobody awaits; nil: they are written to stderr.
-- @function M.on_error
-- @tparam function|nil handler function(err, task)
M.on_error = hosts.scheduler.on_error

--- Starts a task.
-- @function M.spawn
-- @tparam function f
-- @param ... its arguments
-- @treturn table the task: await, done, cancel, result
M.spawn = tasks.spawn

--- Waits for a future or a task. May yield.
-- @function M.await
-- @param subject the future or task
-- @tparam[opt] number timeout seconds
-- @return its result; or nil and an error of kind "timeout"
M.await = tasks.await

--- Waits some seconds. May yield.
-- @function M.sleep
-- @tparam number seconds
-- @treturn boolean|nil true; or nil and an error when the task was cancelled
M.sleep = tasks.sleep

--- Waits for all of them. May yield.
-- @function M.all
-- @tparam table list futures, tasks and functions
-- @tparam[opt] number timeout seconds
-- @treturn table results, each at its place
-- @treturn table|nil errors, each at its place
M.all = tasks.all

--- Waits for the first that succeeds. May yield.
-- @function M.any
-- @tparam table list futures, tasks and functions
-- @tparam[opt] number timeout seconds
-- @return the result, or nil
-- @return its place, or the last error
M.any = tasks.any

--- Says which event loop waits: a name, a table, or nil (found at every call; docs/hosts.md).
-- @function M.use
-- @tparam string|table|nil host
-- @return the former choice
M.use = hosts.use

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
