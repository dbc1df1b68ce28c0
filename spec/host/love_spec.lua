local pix = require "pix"

-- LÖVE brings LuaJIT along and knows no other Lua.
if rawget(_G, "jit") then require "spec.host.contract" "love" end

describe("pix.host.love", function()
  it("is refused outside LÖVE", function()
    assert.error_matches(function() pix.use "love" end, "does not run in LÖVE")
  end)
end)
