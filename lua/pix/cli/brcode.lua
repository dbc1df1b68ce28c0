--- pix brcode: what a code says, or what is wrong with it. Asks nobody.
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local qr = require("pix.cli.qr")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Explain a BR Code (Pix copy and paste), and check it." }

local OPTIONAL = { "city", "postal_code", "key", "url", "txid", "info", "recurrence", "mcc" }

function M.define(command)
  command:argument("code", "The code, in quotes; - reads it from standard input.")
  command:option("--qr", "Draw it too: text, png FILE or svg FILE."):argname("FORMAT")
    :convert(qr.parse)
end

-- Where the amount is not in the code: a dynamic one is kept by the bank.
local function amount(ctx, decoded)
  if decoded.amount then
    return require("pix").format(decoded.amount)
  end
  return ctx.say(decoded.dynamic and "at_the_bank" or "any_amount")
end

local function show(ctx, decoded)
  local rows = {
    { ctx.say("kind"), ctx.say(decoded.dynamic and "dynamic" or "static") },
    { ctx.say("amount"), amount(ctx, decoded) },
    { ctx.say("receiver"), decoded.name },
  }
  for _, name in ipairs(OPTIONAL) do
    if decoded[name] then
      rows[#rows + 1] = { ctx.say(name), decoded[name] }
    end
  end
  rows[#rows + 1] = { ctx.say("checksum"), decoded.crc }
  ctx.print(ctx.paint("green", ctx.say("valid_code")))
  for i, row in ipairs(rows) do
    rows[i] = { "  " .. row[1], terminal.printable(row[2] or "") }
  end
  for _, line in ipairs(terminal.columns(rows)) do
    ctx.print(line)
  end
end

local function draw(ctx, code, wanted)
  local function drawn(...)
    return require("pix").qr(code, ...)
  end
  if wanted.file then
    return qr.write(drawn, wanted.format, wanted.file)
  elseif wanted.format == "none" or ctx.json then
    return true
  end
  local on_terminal = terminal.is_terminal(1)
  local lines, err = drawn("text", { level = "L", margin = 2, colour = on_terminal })
  if lines then
    ctx.print((lines:gsub("\n$", "")))
  end
  return lines, err
end

function M.run(ctx, args)
  local code = args.code == "-" and (io.stdin:read(4096) or "") or args.code
  code = code:gsub("^%s+", ""):gsub("%s+$", "")
  local decoded, err = require("pix").brcode.decode(code)
  if not decoded then
    return report.failure(ctx, err)
  elseif ctx.json then
    ctx.print(json.encode(decoded))
  else
    show(ctx, decoded)
  end
  if args.qr then
    local ok
    ok, err = draw(ctx, code, args.qr)
    if not ok then
      return report.failure(ctx, err)
    end
  end
  return exit.OK
end

return M
