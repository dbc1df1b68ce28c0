--- The journal's back ends, for specs of what both must keep: { name, place(), stop() }. place()
-- gives where a new journal may be opened, and a function that removes it.
local postgres = require "spec.support.postgres"

local server

return {
  {
    name = "SQLite",
    place = function()
      local pipe = io.popen("mktemp -d")
      local dir = pipe:read("*l")
      pipe:close()
      return dir .. "/pix.db", function() os.execute("rm -r " .. dir) end
    end,
    stop = function() end,
  },
  {
    name = "PostgreSQL",
    place = function()
      server = server or postgres.start()
      return server:fresh(), function() end
    end,
    stop = function()
      server:close()
      server = nil
    end,
  },
}
