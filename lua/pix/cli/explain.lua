--- pix explain: which provider a checkout would ask, and why. Sends nothing.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Tell which provider a checkout would ask, and why; sends nothing." }

local STRATEGIES = { "failover", "round_robin", "weighted", "fastest", "success_rate", "cheapest" }

-- NAME=PERCENT+CENTAVOS, as ssg=0.99+10.
local function fee(value)
  local name, percent, fixed = value:match("^(%w+)=([%d%.]+)%%?%+?(%d*)$")
  if not tonumber(percent) then
    return nil, "--fee takes NAME=PERCENT+CENTAVOS: ssg=0.99+10"
  end
  return { name = name, value = { percent = tonumber(percent), fixed = tonumber(fixed) or 0 } }
end

local function weight(value)
  local name, number = value:match("^(%w+)=([%d%.]+)$")
  if not tonumber(number) then
    return nil, "--weight takes NAME=NUMBER: ssg=3"
  end
  return { name = name, value = tonumber(number) }
end

function M.define(command, cli)
  command:argument("amount", "Reais: 19.90 or 19,90."):argname("AMOUNT")
  cli.add_provider(command)
  command:option("--providers", "In this order, with commas; else all that are configured.")
    :argname("NAMES")
  command:option("--select", "The strategy; failover."):choices(STRATEGIES):default("failover")
  command:option("--fee", "NAME=PERCENT+CENTAVOS; may be repeated."):argname("FEE"):count("*")
    :convert(fee)
  command:option("--weight", "NAME=NUMBER; may be repeated."):argname("WEIGHT"):count("*")
    :convert(weight)
  command:option("--reference", "The order's reference, for --select weighted."):argname("TEXT")
  command:option("--tax-id", "The payer's CPF or CNPJ."):argname("ID")
end

local function names_of(args, getenv, sandbox)
  local names = {}
  if args.providers then
    for name in args.providers:gmatch("[^,%s]+") do
      names[#names + 1] = name
    end
    return names
  elseif args.provider then
    return { args.provider }
  end
  for _, name in ipairs(account.names) do
    local _, missing = account.options(name, getenv)
    if sandbox or #missing == 0 then
      names[#names + 1] = name
    end
  end
  return names
end

local function by_name(list)
  local map = {}
  for _, item in ipairs(list) do
    map[item.name] = item.value
  end
  return map
end

-- The checkout, or nil, an error, and perhaps an exit status.
local function open(ctx, args)
  local settings = { select = args.select, fees = by_name(args.fee), weights = by_name(args.weight),
    journal = false }
  local names = names_of(args, ctx.getenv, ctx.sandbox)
  if #names == 0 then
    return nil, { kind = "config", sent = "no", message = "no provider is configured",
      hint = "pix providers lists the variables; pix explain --sandbox tries without" }
  end
  for i, name in ipairs(names) do
    local provider, err, status = account.open(name, ctx.getenv, ctx.sandbox)
    if not provider then
      return nil, err, status
    end
    settings[i] = provider
  end
  local ok, shop, err = pcall(require("pix").checkout, settings)
  if not ok then
    return nil, { kind = "config", sent = "no", message = tostring(shop) }, exit.USAGE
  end
  return shop, err
end

local function show(ctx, plan)
  local rows = {}
  for place, name in ipairs(plan.order) do
    rows[#rows + 1] = { ("%d"):format(place), name, place == 1 and plan.why or "" }
  end
  local left_out = {}
  for name in pairs(plan.out) do
    left_out[#left_out + 1] = name
  end
  table.sort(left_out)
  for _, name in ipairs(left_out) do
    rows[#rows + 1] = { "-", name, plan.out[name] }
  end
  for _, line in ipairs(terminal.columns(rows)) do
    ctx.print(line)
  end
end

function M.run(ctx, args)
  local shop, err, status = open(ctx, args)
  if not shop then
    return report.failure(ctx, err, status)
  end
  local plan
  plan, err = shop:explain({ amount = args.amount, reference = args.reference,
    payer = args.tax_id and { tax_id = args.tax_id } or nil })
  if not plan then
    return report.failure(ctx, err)
  end
  if ctx.json then
    plan.order = json.list(plan.order)
    ctx.print(json.encode(plan))
  else
    show(ctx, plan)
  end
  return plan.chosen and exit.OK or report.failure(ctx, { kind = "unsupported", sent = "no",
    message = "no provider can take this order" })
end

return M
