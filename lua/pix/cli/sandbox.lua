--- pix sandbox: the three providers, simulated on this machine, in the foreground.
local exit = require("pix.cli.exit")

local M = { summary = "Simulate the three providers on this machine." }

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
  command:option("--port", "For http; any free one if not given."):argname("N"):convert(port)
  command:option("--https-port", "For https; any free one if not given."):argname("N")
    :convert(port)
  command:option("--auto-pay", "Pay each charge after so many seconds."):argname("SECONDS")
    :convert(seconds)
  command:option("--expires-after", "Let each charge expire after so many seconds.")
    :argname("SECONDS"):convert(seconds)
  command:flag("--quiet", "No line per request.")
end

function M.run(_, args)
  local ended = require("pix.sandbox").run({ port = args.port, https_port = args.https_port,
    auto_pay = args.auto_pay, expires_after = args.expires_after, log = not args.quiet })
  return ended and exit.OK or exit.INTERNAL
end

return M
