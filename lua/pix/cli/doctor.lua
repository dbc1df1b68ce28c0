--- pix doctor: is everything there that a payment needs? Prints no secret; exit status 13 if not.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Check versions, credentials, TLS, reachability and the clock." }

local EARLIEST = 1767225600 -- 2026-01-01: a clock before that is wrong

function M.define(command, cli)
  cli.add_provider(command)
end

-- A finding: `ok` is true, false, or nil where nothing was asked.
local function finding(subject, name, ok, words, hint)
  return { subject = subject, name = name, ok = ok, words = words, hint = hint }
end

local function machine(ctx)
  local versions = require("pix.core").versions()
  local now = os.time()
  return {
    finding("pix", "versions", true, ("luapix %s, %s"):format(versions.luapix, versions.lua)),
    finding("pix", "libraries", true, ("libcurl %s, OpenSSL %s, nghttp2 %s, qrencode %s"):format(
      versions.libcurl, versions.openssl, versions.nghttp2, versions.libqrencode)),
    finding("pix", "clock", now > EARLIEST, now > EARLIEST and os.date("!%F %T UTC", now)
      or ctx.say("clock_wrong", os.date("!%F", now))),
  }
end

local function transport(ctx, name, base_url)
  local origin = base_url:match("^%a+://[^/]+") or base_url
  if base_url:match("^https:") then
    return finding(name, "TLS", true, ctx.say("tls_verified") .. ", " .. origin)
  end
  local loopback = base_url:match("^http://127%.") or base_url:match("^http://%[::1%]")
    or base_url:match("^http://localhost[:/]")
  return finding(name, "TLS", loopback ~= nil,
    ctx.say(loopback and "tls_loopback" or "tls_none") .. ", " .. origin)
end

-- Which finding an error is, and what to look at.
local function diagnose(ctx, name, err)
  if err.kind == "auth" then
    return "credentials", err.http_status == 403 and ctx.say("ip_hint", name)
      or report.hint(ctx, err)
  elseif err.kind ~= "network" and err.kind ~= "timeout" then
    return "answer", report.hint(ctx, err)
  end
  local tls = (err.message or ""):find("TLS", 1, true)
  return tls and "TLS" or "connection", ctx.say(tls and "tls_hint" or "network_hint")
end

-- What the answer to a check tells of credentials, connection and IP address.
local function judge(ctx, name, provider, took, err)
  local base_url = provider:base_url()
  if not err then
    return { transport(ctx, name, base_url),
      finding(name, "credentials", true, ctx.say("accepted") .. ", "
        .. ctx.say("reached", math.floor(took * 1000 + 0.5))) }
  end
  local what, hint = diagnose(ctx, name, err)
  local list = { finding(name, what, false, ("[%s] %s"):format(err.kind, err.message or ""), hint) }
  if err.http_status then
    table.insert(list, 1, transport(ctx, name, base_url))
  end
  return list
end

local function ask(ctx, name, provider)
  local reactor = require("pix.core").reactor()
  local began = reactor:now()
  local ok, err = provider:check()
  return judge(ctx, name, provider, reactor:now() - began, not ok and err or nil)
end

-- The findings about one provider; `asked`: its absence is wrong.
local function examine(ctx, name, asked)
  local _, missing, any = account.options(name, ctx.getenv)
  if not ctx.sandbox and #missing > 0 then
    if not any and not asked then
      return { finding(name, "credentials", nil, ctx.say("no_credentials")) }
    end
    return { finding(name, "credentials", false, ctx.say("missing", table.concat(missing, ", "))) }
  end
  local provider, err = account.open(name, ctx.getenv, ctx.sandbox)
  if not provider then
    return { finding(name, "settings", false, ("[%s] %s"):format(err.kind, err.message), err.hint) }
  end
  return ask(ctx, name, provider)
end

local function show(ctx, findings, wrong)
  local marks = { [true] = ctx.paint("green", "✓"), [false] = ctx.paint("red", "✗") }
  local rows = {}
  for i, item in ipairs(findings) do
    rows[i] = { marks[item.ok] or ctx.paint("dim", "·"), item.subject, item.name,
      terminal.printable(item.words) }
  end
  for i, line in ipairs(terminal.columns(rows)) do
    ctx.print(line)
    if findings[i].hint then
      ctx.print(("     %s: %s"):format(ctx.say("hint"), terminal.printable(findings[i].hint)))
    end
  end
  ctx.print(wrong == 0 and ctx.paint("green", ctx.say("good"))
    or ctx.paint("red", ctx.say("bad", wrong)))
end

-- All findings, how many are wrong, and whether any provider was asked.
local function collect(ctx, only)
  local findings, wrong, asked = machine(ctx), 0, false
  for _, name in ipairs(only and { only } or account.names) do
    for _, item in ipairs(examine(ctx, name, only ~= nil)) do
      findings[#findings + 1] = item
      asked = asked or item.ok ~= nil
    end
  end
  if not asked then
    findings[#findings + 1] = finding("pix", "providers", false, ctx.say("no_credentials"),
      "pix providers lists the variables; pix doctor --sandbox tries without")
  end
  for _, item in ipairs(findings) do
    wrong = wrong + (item.ok == false and 1 or 0)
  end
  return findings, wrong
end

function M.run(ctx, args)
  if args.provider and not account.rows[args.provider] then
    local _, err, status = account.choose(args.provider, ctx.getenv)
    return report.failure(ctx, err, status)
  end
  local findings, wrong = collect(ctx, args.provider)
  if ctx.json then
    ctx.print(json.encode({ findings = findings, wrong = wrong }))
  else
    show(ctx, findings, wrong)
  end
  return wrong == 0 and exit.OK or exit.DOCTOR
end

return M
