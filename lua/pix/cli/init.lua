--- The command line. A command is a file in this folder: `define(command)` gives argparse its
-- arguments, `run(ctx, args)` does the work and returns the exit status.
local argparse = require("argparse")
local account = require("pix.cli.account")
local card = require("pix.cli.card")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local report = require("pix.cli.report")
local dotenv = require("pix.cli.dotenv")
local terminal = require("pix.cli.terminal")
local text = require("pix.cli.text")

local M = {}

local COMMANDS = { "charge", "status", "cancel", "refund", "search", "subscribe", "brcode",
  "explain", "flow", "journal", "doctor", "sandbox", "providers" }
local HELP_WIDTH = 80
local AUTO_PAY = 3 -- seconds until a private sandbox pays

-- ---- Arguments ----

local function exit_table()
  local rows = {}
  for i, row in ipairs(exit.list) do
    rows[i] = { tostring(row[2]), row[3] }
  end
  return "Exit status:\n   " .. table.concat(terminal.columns(rows, { true }), "\n   ")
end

local EPILOG = [[
Credentials come from the environment, or from .env in this folder (--env FILE):
   %s
   %s (to a sandbox, say)

Try it without any:  pix charge 19.90 --sandbox --wait

]]

-- A line for each provider: the variables that it cannot do without. The last: where each is.
local function epilog()
  local lines, addresses = {}, {}
  for i, name in ipairs(account.names) do
    lines[i] = table.concat(account.variables(name, "needed"), " ")
    addresses[i] = account.variables(name, "common")[1]
  end
  return EPILOG:format(table.concat(lines, "\n   "), table.concat(addresses, " ")) .. exit_table()
end

local function add_common(command)
  command:flag("--json", "One line of JSON per result, on standard output.")
  command:option("--lang", "Language of messages; else by LANG."):choices({ "pt", "en" })
  command:option("--env", "Read variables from this file instead of .env."):argname("FILE")
end

--- Adds --provider and --sandbox, for commands that ask a provider.
function M.add_provider(command)
  command:option("-p --provider", table.concat(account.names, ", ") .. "; else PIX_PROVIDER, or "
    .. "the only one that is configured."):argname("NAME")
  command:flag("--sandbox", "Ask a private sandbox that ends with this command.")
end

local function new_parser()
  local parser, commands = argparse("pix", "Take Pix payments in Brazil."), {}
  parser:epilog(epilog())
  parser:command_target("command"):help_max_width(HELP_WIDTH)
  parser:flag("--version", "Print versions and exit."):action(function()
    local versions = require("pix.core").versions()
    print(("pix %s (%s, libcurl %s, OpenSSL %s)"):format(versions.luapix, versions.lua,
      versions.libcurl, versions.openssl))
    os.exit(0, true)
  end)
  for _, name in ipairs(COMMANDS) do
    local module = require("pix.cli." .. name)
    local command = parser:command(name, module.summary)
    module.define(command, M)
    add_common(command)
    commands[name] = command
  end
  return parser, commands
end

-- argparse knows no option with one or two values: "--qr png FILE" becomes one argument.
local function join_qr(arguments)
  local joined, at = {}, 1
  while at <= #arguments do
    local argument, format = arguments[at], arguments[at + 1]
    if argument == "--qr" and (format == "png" or format == "svg") and arguments[at + 2] then
      joined[#joined + 1] = "--qr=" .. format .. " " .. arguments[at + 2]
      at = at + 3
    else
      joined[#joined + 1] = argument
      at = at + 1
    end
  end
  return joined
end

-- ---- The context ----

-- The environment, then the file: what was set for this one call wins.
local function new_getenv(path)
  local values, why = dotenv.read(path or ".env")
  if not values and not (why == "missing" and not path) then
    return nil, { kind = "config", sent = "no",
      message = ("%s: %s"):format(path or ".env", type(why) == "number"
        and ("line %d is not NAME=value"):format(why) or "the file is " .. why) }
  end
  values = values or {}
  return function(name)
    local value = os.getenv(name)
    if value == nil then
      value = values[name]
    end
    return value
  end
end

local function new_context(args)
  local getenv, err = new_getenv(args.env)
  local ctx = { getenv = getenv or os.getenv, json = args.json, command = args.command }
  ctx.language = text.language(args.lang, ctx.getenv)
  ctx.say = text.speaker(ctx.language)
  ctx.paint = terminal.painter(not args.json and terminal.wants_colour(1, ctx.getenv))
  ctx.paint_error = terminal.painter(terminal.wants_colour(2, ctx.getenv))
  -- Flushed at once: a reader at the other end of a pipe waits for the code.
  function ctx.print(line)
    io.stdout:write(line, "\n")
    io.stdout:flush()
  end
  function ctx.note(line)
    io.stderr:write(line, "\n")
  end
  return ctx, err
end

-- A private sandbox, which pays by itself for those who wait.
local function add_sandbox(ctx, args)
  local err
  ctx.sandbox, err = account.start_sandbox({ auto_pay = args.wait and AUTO_PAY or nil })
  if ctx.sandbox and not ctx.json then
    ctx.note(ctx.paint_error("dim", ctx.say("sandbox")))
  end
  return err
end

local function run(ctx, args)
  if args.sandbox and args.command ~= "sandbox" then
    local err = add_sandbox(ctx, args)
    if err then
      return report.failure(ctx, err)
    end
  end
  return require("pix.cli." .. args.command).run(ctx, args)
end

local function traced(raised)
  if interrupt.is(raised) then
    return raised
  end
  return debug.traceback(tostring(raised), 2)
end

-- What a command raises is a defect, unless it is Ctrl-C.
local function protected(ctx, args)
  local ok, status = xpcall(function() return run(ctx, args) end, traced)
  if ctx.sandbox then
    ctx.sandbox.stop()
  end
  if ok then
    return status
  elseif interrupt.is(status) then
    ctx.note(ctx.say("interrupted"))
    return exit.INTERRUPTED
  end
  return report.failure(ctx, { kind = "internal", sent = "maybe", message = status }, exit.INTERNAL)
end

local function usage(parser, message)
  io.stderr:write(parser:get_usage(), "\n\npix: ", message, "\n")
  return exit.USAGE
end

--- Runs a command line.
-- @tparam table arguments texts; arg of the program
-- @treturn number the exit status
function M.main(arguments)
  local parser, commands = new_parser()
  local nearest = commands[arguments[1]] or parser
  if card.on_command_line(arguments) then
    return usage(nearest, "card data are never taken from the command line, which others can read; "
      .. "see pix subscribe --help")
  end
  local ok, args = parser:pparse(join_qr(arguments))
  if not ok then
    return usage(nearest, args)
  end
  local ctx, err = new_context(args)
  if err then
    return report.failure(ctx, err)
  end
  return protected(ctx, args)
end

return M
