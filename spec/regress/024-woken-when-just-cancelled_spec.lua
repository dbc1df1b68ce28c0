--- A webhook that spoke of a charge whose wait had been cancelled in the same moment raised an
-- error, in cqueues, luv, copas and OpenResty, where a cancelled task ends a little later.
local cqueues = require "cqueues"
local pix = require "pix"
local wake = require "pix.wake"

describe("a wake for a task that was cancelled in the same moment", function()
  it("wakes the others, and does not raise", function()
    wake.listen()
    local loop, woken, err = cqueues.new()
    loop:wrap(function()
      local asleep = 0
      local function sleep()
        local sleeper = wake.sleeper "ssg:1"
        asleep = asleep + 1
        return sleeper:sleep(60)
      end
      local cancelled = pix.spawn(sleep)
      local other = pix.spawn(sleep)
      repeat cqueues.sleep(0.01) until asleep == 2
      cancelled:cancel()
      pix.webhook.wake { provider = "ssg", id = "1" }
      woken = other:await()
      err = select(2, cancelled:await())
    end)
    assert(loop:loop())
    assert.is_true(woken)
    assert.equal("cancelled", err.kind)
  end)
end)
