--- pix status: what has become of a charge. Exit status 0 only if it is paid.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Ask for a charge's state; exit status 0 only if it is paid." }

function M.define(command, cli)
  command:argument("id", "The charge's id.")
  cli.add_provider(command)
end

--- One charge as a line (or JSON).
function M.show(ctx, heard)
  if ctx.json then
    return ctx.print(json.encode(report.charge_members(heard)))
  end
  local amount = heard.amount and require("pix").format(heard.amount) .. "  " or ""
  ctx.print(("%s  %s  %s%s"):format(heard.provider, terminal.printable(heard.id), amount,
    report.status(ctx, heard)))
end

function M.run(ctx, args)
  local provider, err, status = account.open(args.provider, ctx.getenv, ctx.sandbox)
  if not provider then
    return report.failure(ctx, err, status)
  end
  local heard
  heard, err = provider:status(args.id)
  if not heard then
    return report.failure(ctx, err)
  end
  M.show(ctx, heard)
  return exit.of_status(heard.status)
end

return M
