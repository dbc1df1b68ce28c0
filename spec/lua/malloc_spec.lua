-- What becomes of calls when the C library has no memory for pix.core (malloc.c, malloc_child.lua).
-- Under a sanitizer, which has an allocator of its own, no other can be put before it.
local variant = os.getenv "VARIANT"
if variant == "asan" or variant == "tsan" then return end

local program = require "spec.support.program"

describe("without memory from the C library", function()
  it("every call ends, and says truly what has left", function()
    local library = assert(package.searchpath("malloc", package.cpath))
    local result = program.run({ program.interpreter(), "spec/lua/malloc_child.lua", library },
      { folder = program.root, env = { LD_PRELOAD = library } })
    assert.equal("", result.err)
    assert.equal(0, result.status)
    local steps, denied = 0, 0
    for count in result.out:gmatch " (%d+)\n" do
      steps, denied = steps + 1, denied + tonumber(count)
    end
    assert.truthy(result.out:find "done\n$")
    assert.equal(40, steps)
    assert.truthy(denied > 3 * steps, denied .. " denials")
  end)
end)
