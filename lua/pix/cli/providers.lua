--- pix providers: who is built in, what each can do, and which variables configure it.
local core = require("pix.core")
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local terminal = require("pix.cli.terminal")

local M = { summary = "List the providers, what each can do, and its variables." }

local OPERATIONS = { "charge", "status", "search", "cancel", "refund", "subscribe" }

function M.define() end

local function abilities(name)
  local known = core.provider_facts(name).operations
  local can = json.list({})
  for _, operation in ipairs(OPERATIONS) do
    if known[operation] then
      can[#can + 1] = operation
    end
  end
  return can
end

local function describe(name, getenv)
  local _, missing = account.options(name, getenv)
  return { name = name, can = abilities(name), configured = #missing == 0,
    variables = json.list(account.variables(name, "required")) }
end

function M.run(ctx)
  local list = json.list({})
  for i, name in ipairs(account.names) do
    list[i] = describe(name, ctx.getenv)
  end
  if ctx.json then
    ctx.print(json.encode(list))
    return exit.OK
  end
  for _, item in ipairs(list) do
    ctx.print(ctx.paint("bold", item.name))
    for _, line in ipairs(terminal.columns({
      { "  " .. ctx.say("configured"), ctx.say(item.configured and "yes" or "no") },
      { "  " .. ctx.say("signed_in"), table.concat(item.can, ", ") },
      { "  " .. ctx.say("credentials"), table.concat(item.variables, " ") },
    })) do
      ctx.print(line)
    end
  end
  return exit.OK
end

return M
