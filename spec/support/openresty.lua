--- What the specs of OpenResty share: nginx with providers of a running sandbox.
local nginx = require "spec.support.nginx"

local M = {}

local function quoted(options)
  local words = {}
  for name, value in pairs(options) do
    words[#words + 1] = ("%s = %s"):format(name,
      type(value) == "string" and ("%q"):format(value) or tostring(value))
  end
  return "{ " .. table.concat(words, ", ") .. " }"
end

--- Lua text that makes a provider of the sandbox.
function M.provider(sandbox, name, options)
  local all = { base_url = sandbox.url[name], timeout = 60, max_connections = 256 }
  for key, value in pairs(sandbox.credentials[name]) do all[key] = value end
  for key, value in pairs(options or {}) do all[key] = value end
  return ("pix.%s %s"):format(name, quoted(all))
end

local PRELUDE = [[
  pix = require "pix"
  function shown(value, err)
    if type(value) == "table" then value = value.id or #value end
    return tostring(value) .. (err and " " .. tostring(err) or "")
  end
]]

--- Starts nginx. Options as spec.support.nginx has them, and: locations (name -> Lua text of the
-- content phase), init (Lua text after the providers were made in init_by_lua), providers (list).
function M.start(sandbox, options)
  local lines = { options.http or "", "init_by_lua_block {", PRELUDE }
  for _, name in ipairs(options.providers or { "ssg" }) do
    lines[#lines + 1] = ("%s = assert(%s)"):format(name,
      M.provider(sandbox, name, options[name]))
  end
  lines[#lines + 1] = (options.init or "") .. "\n}"
  local server = { options.server or "" }
  for name, text in pairs(options.locations or {}) do
    server[#server + 1] = ("location = /%s { content_by_lua_block {\n%s\n} }"):format(name, text)
  end
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  all.http, all.server = table.concat(lines, "\n"), table.concat(server, "\n")
  return nginx.start(all)
end

return M
