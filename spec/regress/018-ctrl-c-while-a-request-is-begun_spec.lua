--- `pix charge` began its request, and only then saw to Ctrl-C: one that came in between ended the
-- program with "interrupted", whether the charge was made or not, and without a word about it.
local program = require "spec.support.program"

-- A signal is noticed by Lua's hook at the next call or return.
local PROGRAM = [[
  local interrupt, pix = require "pix.cli.interrupt", require "pix"
  local t = pix.testing.start()
  local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
  assert(ssg:check())
  local function press() io.popen("kill -INT $PPID"):close() end
  local provider = { name = function() return "ssg" end }
  function provider.start(_, ...)
    if arg[1] == "before" then press() end
    local future = ssg:start(...)
    if arg[1] == "within" then press() end
    return future
  end
  local ctx = { note = function() end, say = function(key) return key end }
  local charge, err, interrupted = interrupt.finish(ctx, provider, "charge", { amount = 1990 })
  print(charge, err.kind, err.sent, err.operation, interrupted)
]]

describe("Ctrl-C while a request is begun", function()
  local folder

  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  local function told(moment)
    local file = assert(io.open(folder .. "/program.lua", "w"))
    file:write(PROGRAM)
    file:close()
    local result = program.run({ program.interpreter(), folder .. "/program.lua", moment },
      { folder = program.root })
    return result.out .. result.err
  end

  it("says that nothing was sent where that is so", function()
    assert.equal("nil\tcancelled\tno\tcharge\ttrue\n", told "before")
  end)

  it("says that the request may have been done where it has begun", function()
    assert.equal("nil\tcancelled\tmaybe\tcharge\ttrue\n", told "within")
  end)
end)
