--- What all examples share, so that each can be read alone and tried without an account:
-- it finds luapix in a checkout, and lends the sandbox where there are no credentials.
--
-- With PIX_SANDBOX=1, or where a credential is missing, `options` leads to a private sandbox that
-- pays each charge after half a second. With credentials in the environment a real charge is made.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
local root = here .. "/.."
local vm = rawget(_G, "jit") and "luajit" or _VERSION:match("%d%.%d$")
package.path = package.path .. (";%s/lua/?.lua;%s/lua/?/init.lua"):format(root, root)
package.cpath = package.cpath .. (";%s/build/%s/?.so"):format(root, vm)

local M = { here = here }

--- The private sandbox, started when it is first asked for.
function M.sandbox()
  M._sandbox = M._sandbox or require("pix").sandbox.start { auto_pay = 0.5 }
  return M._sandbox
end

local function complete(names, options)
  for _, name in ipairs(names) do
    if (options[name] or "") == "" then return false end
  end
  return true
end

--- The options themselves where each of `needed` is set, else those of the sandbox.
-- @tparam string provider
-- @tparam {string,…} needed names of the credentials
-- @tparam table options as pix.ssg{…} takes them
function M.options(provider, needed, options)
  if os.getenv "PIX_SANDBOX" ~= "1" and complete(needed, options) then return options end
  local sandbox = M.sandbox()
  local lent = { base_url = sandbox.url[provider] }
  for name, value in pairs(sandbox.credentials[provider]) do
    lent[name] = value
  end
  for name, value in pairs(options) do
    if lent[name] == nil then lent[name] = value end
  end
  return lent
end

--- The interpreter that runs this program, for a sh command line.
function M.interpreter()
  local at = 0
  while arg[at - 1] do
    at = at - 1
  end
  return "'" .. arg[at]:gsub("'", "'\\''") .. "'"
end

--- Ends the sandbox; without it, it ends with the program.
function M.finish()
  if M._sandbox then M._sandbox.stop() end
  M._sandbox = nil
end

return M
