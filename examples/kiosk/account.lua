--- Where the money goes: the account in the environment, or a sandbox of our own.
local pix = require "pix"

local M = {}

local AUTO_PAY = 5 -- seconds; in the sandbox nobody holds a telephone

local sandbox

local function lend()
  sandbox = pix.sandbox.start { auto_pay = AUTO_PAY }
  local options = { base_url = sandbox.url.ssg }
  for name, value in pairs(sandbox.credentials.ssg) do
    options[name] = value
  end
  return options
end

--- @return the provider object; raises what is wrong with the credentials
function M.open()
  local options = {
    client_id = os.getenv "SSG_CLIENT_ID",
    client_secret = os.getenv "SSG_CLIENT_SECRET",
    device_code = os.getenv "SSG_DEVICE_CODE",
    base_url = os.getenv "SSG_BASE_URL",
  }
  if not (options.client_id and options.client_secret and options.device_code) then
    options = lend()
  end
  return assert(pix.ssg(options))
end

--- Ends the sandbox, if there is one.
function M.close()
  if sandbox then sandbox.stop() end
  sandbox = nil
end

return M
