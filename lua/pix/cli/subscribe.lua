--- pix subscribe: begin a subscription by card. It moves money at once and is never repeated.
local account = require("pix.cli.account")
local card = require("pix.cli.card")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Begin a subscription by card." }

local MEMBERS = { "id", "provider", "status", "raw_status", "transaction_id", "next_charge_at",
  "trial_ends_at", "sent" }

local DETAILS = { { "transaction", "transaction_id" }, { "trial_ends", "trial_ends_at" },
  { "next_charge", "next_charge_at" } }

function M.define(command, cli)
  command:summary(M.summary)
  command:description("Begin a subscription by card. The card comes from PIX_CARD_NUMBER, "
    .. "PIX_CARD_CVV, PIX_CARD_EXPIRY and PIX_CARD_HOLDER; or is asked for on the terminal; or "
    .. "stands as lines number=, cvv=, expiry=, holder= on standard input. Never on the command "
    .. "line: it can be read by everyone on the machine.")
  command:option("--plan", "The plan's id."):argname("ID"):count(1)
  command:option("--name", "The subscriber's name."):argname("TEXT")
  command:option("--tax-id", "CPF or CNPJ."):argname("ID")
  command:option("--email", "Address."):argname("ADDRESS")
  command:option("--phone", "Telephone."):argname("NUMBER")
  command:flag("--trial", "With a trial period: R$ 1.00 is pre-authorised now.")
  command:flag("--send-confirmation", "Let the provider write to the subscriber.")
  cli.add_provider(command)
end

local function show(ctx, made)
  local words = made.status == "paid" and ctx.say("sub_paid")
    or made.status == "pending" and ctx.say("sub_pending") or report.status(ctx, made)
  ctx.print(ctx.say("subscribed", terminal.printable(made.id), words))
  local rows = {}
  for _, row in ipairs(DETAILS) do
    local value = made[row[2]]
    if value then
      rows[#rows + 1] = { "  " .. ctx.say(row[1]), terminal.printable(value) }
    end
  end
  for _, line in ipairs(terminal.columns(rows)) do
    ctx.print(line)
  end
end

local function subscribe(ctx, args, provider)
  local taken, err = card.read(ctx)
  if not taken then
    return nil, err, err.kind == "cancelled" and exit.INTERRUPTED or nil
  end
  local made
  made, err = interrupt.finish(ctx, provider, "subscribe", {
    plan = args.plan, card = taken, trial = args.trial or nil,
    send_confirmation = args.send_confirmation,
    payer = { name = args.name, tax_id = args.tax_id, email = args.email, phone = args.phone } })
  return made, err
end

function M.run(ctx, args)
  local provider, err, status = account.open(args.provider, ctx.getenv, ctx.sandbox)
  if not provider then
    return report.failure(ctx, err, status)
  end
  local made
  made, err, status = subscribe(ctx, args, provider)
  if not made then
    return report.failure(ctx, err, status)
  elseif ctx.json then
    local members = {}
    for _, name in ipairs(MEMBERS) do
      members[name] = made[name]
    end
    ctx.print(json.encode(members))
  else
    show(ctx, made)
  end
  return exit.OK
end

return M
