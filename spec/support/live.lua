--- A running sandbox and providers configured for it; waits without any host.
local core = require "pix.core"

local M = {}

--- Starts a sandbox. `scheme` "https" or "http".
function M.start(options)
  return require("pix.sandbox").start(options)
end

--- Options of a provider that talks to the sandbox; `options` are added to them.
function M.settings(sandbox, name, options)
  local all = {}
  for key, value in pairs(sandbox.credentials[name]) do all[key] = value end
  all.base_url = sandbox.url[name]
  all.connect_timeout = 30 -- a busy machine, or one that runs this under valgrind, is slow
  if name == "payzu" then all.webhook_url = "http://127.0.0.1:9/none" end
  for key, value in pairs(options or {}) do all[key] = value end
  return all
end

--- A provider that talks to the sandbox; `options` are added to its own.
function M.provider(sandbox, name, options)
  return assert(core.provider(name, M.settings(sandbox, name, options)))
end

function M.await(future)
  local reactor = core.reactor()
  while not future:ready() do
    reactor:wait(10)
    reactor:drain()
  end
  return future:result()
end

function M.call(provider, operation, args)
  return M.await(provider:start(operation, args))
end

M.PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "(11) 98765-4321" }

--- A card that the sandbox approves.
function M.card()
  return assert(core.card {
    number = "4111111111111111", cvv = "123", expiry = "12/2099", holder = "MARIA SILVA" })
end

--- Arguments that each operation accepts.
function M.charge_args(amount)
  return { amount = amount or 1990, description = "Café", payer = M.PAYER }
end

function M.subscribe_args()
  return { plan = "PLAN123", payer = M.PAYER, card = M.card() }
end

return M
