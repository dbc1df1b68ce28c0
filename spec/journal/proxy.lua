--- A child process of journal_spec: stands between libpq and a server's unix socket, and cuts the
-- connection of a client when its COMMIT goes by: after it was handed on ("after") or instead of
-- that ("before"). Only the first COMMIT of all. Arguments: own socket, server's socket, when.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local own, server, when = arg[1], arg[2], arg[3]
local loop = cqueues.new()
local listening = socket.listen { path = own, unlink = true }
local cut = false

local function copy(from, to, client, upwards)
  while true do
    local bytes = from:read(-65536)
    if not bytes then break end
    local commit = upwards and not cut and bytes:find("COMMIT", 1, true)
    if commit then cut = true end
    if not (commit and when == "before") then
      to:write(bytes)
      to:flush()
    end
    if commit then
      client:shutdown("rw")
      if when == "before" then to:shutdown("rw") end
      return
    end
  end
  to:shutdown("w")
end

loop:wrap(function()
  for client in listening:clients() do
    local back = socket.connect { path = server }
    for _, s in ipairs { client, back } do
      s:setmode("bn", "bn")
      s:onerror(function(_, _, code) return code end)
    end
    loop:wrap(copy, client, back, client, true)
    loop:wrap(copy, back, client, client, false)
  end
end)
print("ready")
io.stdout:flush()
assert(loop:loop())
