--- What pix cancel and pix refund have in common: an id, perhaps an amount, one request.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local json = require("pix.cli.json")
local report = require("pix.cli.report")

local M = {}

local function define(command, cli)
  command:argument("id", "The charge's id.")
  command:option("--amount", "The charge's whole amount in reais, where the provider asks for it.")
    :argname("AMOUNT")
  cli.add_provider(command)
end

--- Makes the command.
-- @tparam string operation "cancel", "refund"
-- @tparam string summary
-- @tparam function words what to tell of the result: words(ctx, heard)
function M.new(operation, summary, words)
  local function run(ctx, args)
    local provider, err, status = account.open(args.provider, ctx.getenv, ctx.sandbox)
    if not provider then
      return report.failure(ctx, err, status)
    end
    local heard
    heard, err = interrupt.finish(ctx, provider, operation, { id = args.id, amount = args.amount })
    if not heard then
      return report.failure(ctx, err)
    end
    ctx.print(ctx.json and json.encode(report.charge_members(heard)) or words(ctx, heard))
    return exit.OK
  end
  return { summary = summary, define = define, run = run }
end

return M
