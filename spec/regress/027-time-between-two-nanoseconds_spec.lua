--- The virtual clock has whole nanoseconds, and the sum of two times is a number that may lie a
-- little behind one: t:advance then asked for less than a nanosecond, for ever.
local pix = require "pix"

describe("t:advance", function()
  it("comes to an end whatever the time is", function()
    local t = pix.testing.start()
    finally(function() t:stop() end)
    local before = t:now()
    for i = 1, 2000 do
      t:advance(0.000001113 * i % 0.37)
      local began = t:now()
      t:advance(60)
      assert.truthy(math.abs(t:now() - began - 60) < 1e-8)
    end
    assert.truthy(t:now() > before + 2000 * 60)
  end)
end)
