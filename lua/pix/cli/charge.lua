--- pix charge: make a charge, show it, and perhaps wait until it is paid.
local account = require("pix.cli.account")
local clipboard = require("pix.cli.clipboard")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local json = require("pix.cli.json")
local qr = require("pix.cli.qr")
local report = require("pix.cli.report")
local settle = require("pix.cli.settle")
local terminal = require("pix.cli.terminal")

local M = { summary = "Make a charge; show its code and QR code." }

local DEFAULT_WAIT = 300 -- seconds
local SPIN = 0.2
local ENDLESS = 1000 -- columns and rows of a file

local function seconds(value)
  local number = tonumber(value)
  if not number or number < 1 or number > 86400 then
    return nil, "--timeout takes seconds, 1 to 86400"
  end
  return number
end

function M.define(command, cli)
  command:argument("amount", "Reais: 19.90 or 19,90."):argname("AMOUNT")
  cli.add_provider(command)
  command:option("--description", "What it is for."):argname("TEXT")
  command:option("--name", "The payer's name."):argname("TEXT")
  command:option("--tax-id", "The payer's CPF or CNPJ."):argname("ID")
  command:option("--email", "The payer's address."):argname("ADDRESS")
  command:option("--phone", "The payer's telephone."):argname("NUMBER")
  command:option("--webhook", "Where the provider tells of changes; else PAYZU_WEBHOOK_URL.")
    :argname("URL")
  command:flag("--wait", "Wait until it is paid; Ctrl-C cancels the charge.")
  command:option("--timeout", "How long to wait; 300."):argname("SECONDS"):convert(seconds)
  command:flag("--keep", "Leave the charge payable after Ctrl-C or --timeout.")
  command:flag("--copy", "Put the code on the terminal's clipboard (OSC 52).")
  command:option("--qr", "text, none, png FILE or svg FILE; else text on a terminal.")
    :argname("FORMAT"):convert(qr.parse)
end

-- ---- Making ----

local function arguments(args)
  local payer = { name = args.name, tax_id = args.tax_id, email = args.email, phone = args.phone }
  return { amount = args.amount, description = args.description, webhook = args.webhook,
    payer = next(payer) and payer or nil }
end

local function failed(ctx, err, interrupted)
  local status = report.failure(ctx, err)
  if interrupted and not ctx.json then
    ctx.note(ctx.say(err.sent == "no" and "no_charge" or "maybe_charge"))
  end
  return interrupted and err.sent == "no" and exit.INTERRUPTED or status
end

-- ---- Showing ----

local function show_text(ctx, charge)
  local columns, rows = terminal.size(ctx.getenv)
  local on_terminal = terminal.is_terminal(1)
  -- a line below it stays for the shell's prompt, or the progress
  local function draw(...) return charge:qr(...) end
  local drawn, wide, high = qr.draw(draw, on_terminal and columns or ENDLESS,
    on_terminal and rows - 2 or ENDLESS, on_terminal)
  if drawn then
    ctx.print((drawn:gsub("\n$", "")))
  elseif type(wide) == "table" then
    ctx.note(table.concat(report.error_lines(ctx, wide), "\n"))
  else
    ctx.print(ctx.say("no_qr", wide, high + 2, columns, rows))
    local file = qr.new_file()
    if file and qr.write(draw, "png", file) then
      ctx.print(ctx.say("no_qr_picture", file))
      ctx.picture = file
    end
  end
end

local function show(ctx, charge, copy)
  ctx.print(ctx.paint("bold", ctx.say("charge_made", require("pix").format(charge.amount),
    charge.provider)) .. "  " .. report.status(ctx, charge))
  ctx.print(ctx.say("id") .. ": " .. terminal.printable(charge.id))
  ctx.print(ctx.say("copy_and_paste"))
  ctx.print(terminal.printable(charge.code))
  if copy and terminal.is_terminal(1) then
    io.stdout:write(clipboard.sequence(charge.code))
    ctx.print(ctx.say("copied"))
  end
end

-- Returns an error if a file could not be written; the charge is there all the same.
local function show_qr(ctx, charge, wanted)
  wanted = wanted or { format = not ctx.json and terminal.is_terminal(1) and "text" or "none" }
  if wanted.file then
    local ok, err = qr.write(function(...) return charge:qr(...) end, wanted.format, wanted.file)
    if ok and not ctx.json then
      ctx.print(ctx.say("qr_written", terminal.printable(wanted.file)))
    end
    return err
  elseif wanted.format == "text" and not ctx.json then
    show_text(ctx, charge)
  end
end

local function present(ctx, charge, args)
  local members = report.charge_members(charge)
  if ctx.json then
    ctx.print(json.encode(members))
  else
    show(ctx, charge, args.copy)
  end
  local err = show_qr(ctx, charge, args.qr)
  if err then
    ctx.note(table.concat(report.error_lines(ctx, err), "\n"))
  end
  return err and exit.of_error(err, "status") or exit.OK
end

-- ---- Waiting ----

-- Waits with a spinner, which is a task beside the one that waits.
local function wait(ctx, charge, args)
  local pix = require("pix")
  local timeout = args.timeout or DEFAULT_WAIT
  local progress = terminal.progress(not ctx.json, ctx.getenv)
  local key = args.keep and "waiting_keep" or "waiting"
  local clock, problem = require("pix.core").reactor(), nil
  local deadline = clock:now() + timeout
  local function spin()
    repeat
      progress.show(ctx.say(key, terminal.countdown(deadline - clock:now()))
        .. (problem and ", " .. ctx.say("retrying") or ""))
    until not pix.sleep(SPIN)
  end
  local interrupted, status, err = interrupt.guard(pix.run, function()
    local spinner = pix.spawn(spin)
    local status, err = charge:wait({ timeout = timeout,
      on_poll = function(_, failure) problem = failure end })
    spinner:cancel()
    return status, err
  end)
  progress.clear()
  return interrupted, status, err
end

-- What the wait ended with; everything but a final status is settled with the provider.
local function conclude(ctx, provider, charge, args)
  local interrupted, status, err = wait(ctx, charge, args)
  if status then
    return settle.tell(ctx, charge)
  elseif interrupted then
    return settle.after_interruption(ctx, provider, charge, args.keep)
  elseif err.kind == "timeout" and err.operation == "wait" then
    return settle.after_timeout(ctx, provider, charge, args.keep, args.timeout or DEFAULT_WAIT)
  end
  return report.failure(ctx, err)
end

function M.run(ctx, args)
  local provider, err, status = account.open(args.provider, ctx.getenv, ctx.sandbox)
  if not provider then
    return report.failure(ctx, err, status)
  end
  local charge, failure, interrupted = interrupt.finish(ctx, provider, "charge", arguments(args))
  if not charge then
    return failed(ctx, failure, interrupted)
  elseif interrupted then
    return settle.after_interruption(ctx, provider, charge, args.keep)
  end
  interrupted, status = interrupt.guard(present, ctx, charge, args)
  if interrupted then
    status = settle.after_interruption(ctx, provider, charge, args.keep or not args.wait)
  elseif args.wait then
    status = conclude(ctx, provider, charge, args)
  end
  if args.wait and ctx.picture then
    qr.remove(ctx.picture)
  end
  return status
end

return M
