--- pix sandbox: the providers, simulated on this machine, in the foreground.
-- On standard output go the lines that lead another shell (or .env) to it, on stderr all else.
local account = require("pix.cli.account")
local exit = require("pix.cli.exit")
local interrupt = require("pix.cli.interrupt")
local json = require("pix.cli.json")
local report = require("pix.cli.report")

local M = { summary = "Simulate the providers on this machine." }

local STILL_THERE = 5 -- seconds between two looks, where nobody types

local function port(value)
  local number = tonumber(value)
  if not number or number < 0 or number > 65535 or number % 1 ~= 0 then
    return nil, "a port is a number from 0 (any) to 65535"
  end
  return number
end

local function seconds(value)
  local number = tonumber(value)
  if not number or number < 0 then
    return nil, "seconds are a number that is not negative"
  end
  return number
end

function M.define(command)
  command:option("--port", "Where it listens; any free port if not given."):argname("N")
    :convert(port)
  command:flag("--https", "Give the https addresses, and the CA file that vouches for them.")
  command:option("--auto-pay", "Pay each charge after so many seconds."):argname("SECONDS")
    :convert(seconds)
  command:option("--expires-after", "Let each charge expire after so many seconds.")
    :argname("SECONDS"):convert(seconds)
  command:flag("--quiet", "No line per request.")
end

--- The variables that lead `pix` to a running sandbox, as rows {name, value}.
function M.variables(sb, https)
  local rows = {}
  for _, name in ipairs(account.names) do
    local row = account.rows[name]
    local given = account.sandbox_options(name, sb)
    given.base_url = (https and sb.https_url or sb.url)[name]
    for _, options in ipairs({ { "base_url" }, row.required, row.optional }) do
      for _, option in ipairs(options) do
        if given[option] then
          rows[#rows + 1] = { row.prefix .. option:upper(), given[option] }
        end
      end
    end
  end
  if https then
    rows[#rows + 1] = { "PIX_CA_FILE", sb.ca_file }
  end
  return rows
end

local function greet(ctx, sb, https)
  local rows = M.variables(sb, https)
  if ctx.json then
    local members = {}
    for _, row in ipairs(rows) do
      members[row[1]] = row[2]
    end
    return ctx.print(json.encode(members))
  end
  ctx.note(ctx.say("sandbox_lines"))
  local lines = {}
  for i, row in ipairs(rows) do
    lines[i] = ("export %s=%s"):format(row[1], row[2])
  end
  -- In one write: who waits for the file to have something in it finds everything in it.
  ctx.print(table.concat(lines, "\n"))
  ctx.note(ctx.say("sandbox_words"))
end

-- Obeys what is typed; where nobody types, serves on until Ctrl-C. Raises if the sandbox died.
local function serve(sb)
  local ended = require("pix.sandbox.console").obey(sb, io.stdin, io.stderr)
  while not ended do
    require("pix").sleep(STILL_THERE)
    sb.count()
  end
end

function M.run(ctx, args)
  local which = args.https and "https_port" or "port"
  local sb, err = account.start_sandbox({ [which] = args.port, auto_pay = args.auto_pay,
    expires_after = args.expires_after, log = not args.quiet })
  if not sb then
    return report.failure(ctx, err)
  end
  ctx.sandbox = sb -- stopped with the command
  greet(ctx, sb, args.https)
  interrupt.guard(serve, sb)
  return exit.OK
end

return M
