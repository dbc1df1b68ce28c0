--- pix search: charges of some days, or of one id, as a table.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "List charges, where the provider can." }

function M.define(command, cli)
  command:option("--from", "The first day, YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SS."):argname("DATE")
  command:option("--to", "The last day."):argname("DATE")
  command:option("--id", "One charge."):argname("ID")
  cli.add_provider(command)
end

local function show(ctx, found)
  if #found == 0 then
    return ctx.print(ctx.say("nothing_found"))
  end
  local format = require("pix").format
  local rows = { { ctx.say("amount"), ctx.say("status"), ctx.say("made"), ctx.say("id") } }
  for i, item in ipairs(found) do
    rows[i + 1] = { item.amount and format(item.amount) or "", report.status(ctx, item),
      terminal.printable(item.created_at or ""), terminal.printable(item.id or "") }
  end
  for _, line in ipairs(terminal.columns(rows, { true })) do
    ctx.print(line)
  end
end

function M.run(ctx, args)
  local provider, err, status = account.open(args.provider, ctx.getenv, ctx.sandbox)
  if not provider then
    return report.failure(ctx, err, status)
  end
  local found
  found, err = provider:search({ from = args.from, to = args.to, id = args.id })
  if not found then
    return report.failure(ctx, err)
  elseif not ctx.json then
    show(ctx, found)
    return exit.OK
  end
  local list = json.list({})
  for i, item in ipairs(found) do
    list[i] = report.charge_members(item)
  end
  ctx.print(json.encode(list))
  return exit.OK
end

return M
