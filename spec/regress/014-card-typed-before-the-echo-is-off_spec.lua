--- `pix subscribe` showed its question before it switched the terminal's echo off: who was quick,
-- or had a slow machine, saw the card's number on the screen.
local program = require "spec.support.program"

local SLOW = [[
  real=$(command -v stty)
  cat >"$1/stty" <<END
#!/bin/sh
[ "\$1" = -echo ] && sleep 1
exec $real "\$@"
END
  chmod +x "$1/stty"
]]

describe("a hidden question", function()
  it("is shown when nothing that is typed can be seen any more", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    os.execute(("sh -c %s sh %s"):format(program.quote(SLOW), folder))
    local terminal = program.terminal({ program.interpreter(), "-e",
      [[print("got " .. #require("pix.cli.prompt").ask("It's " .. "secret: ", true))]] },
      { env = { PATH = folder .. ":" .. os.getenv "PATH", LUA_PATH = package.path,
        LUA_CPATH = package.cpath }, folder = folder })
    terminal.expect "It's secret: " -- which the command does not say in one piece
    terminal.type "4111111111111111\n"
    local result = terminal.finish()
    assert.equal(0, result.status, result.out)
    assert.truthy(result.out:find("\nIt's secret: \r\ngot 16\r\n", 1, true), result.out)
  end)
end)
