--- The script that the child interpreter runs: main.lua JSON-CONFIG.
-- It finds its own modules beside itself and lua-http where the system keeps it; answers
-- {"ok": false, "unfit": true, "error": …} on standard output when this interpreter cannot run it.
local root = arg[0]:gsub("pix[/\\]sandbox[/\\]main%.lua$", "")
package.path = root .. "?.lua;" .. root .. "?/init.lua;" .. package.path

if _VERSION == "Lua 5.4" then
  -- Debian installs lua-http's files for 5.3 and older, which run on 5.4 as they are
  package.path = package.path .. ";/usr/share/lua/5.3/?.lua;/usr/share/lua/5.2/?.lua"
end

local function fail(message, unfit)
  local text = tostring(message):gsub('[%c"\\]', " ")
  io.stdout:write(('{"ok": false, "unfit": %s, "error": "%s"}\n'):format(tostring(unfit), text))
  io.stderr:write("sandbox: ", tostring(message), "\n")
  os.exit(1)
end

local loaded, server = pcall(require, "pix.sandbox.server")
if not loaded then
  fail(server, true)
end
local ran, why = pcall(server.main, require("cjson").decode(arg[1]))
fail(ran and "the sandbox has nothing left to do" or why, false)
