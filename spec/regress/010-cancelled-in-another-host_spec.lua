-- In cqueues, luv, copas and OpenResty the cancellation of a task that waited for a shop's charge,
-- or for a wake, was taken for the waited thing itself, and was lost: the wait went on.
local cqueues = require "cqueues"
local latch = require "pix.latch"
local pix = require "pix"
local wake = require "pix.wake"

describe("a task in another host's loop that is cancelled", function()
  local function cancelled(wait)
    local loop, begun, ok, err = cqueues.new()
    loop:wrap(function()
      local task = pix.spawn(function()
        begun = true
        ok, err = wait()
      end)
      repeat cqueues.sleep(0.02) until begun
      task:cancel()
    end)
    assert(loop:loop())
    return ok, err and err.kind
  end

  it("leaves a latch with that error", function()
    assert.same({ nil, "cancelled" }, { cancelled(function() return latch.new():wait(60) end) })
  end)

  it("leaves the sleep that a webhook may end with that error", function()
    wake.listen()
    local sleeper = wake.sleeper "x"
    assert.same({ nil, "cancelled" }, { cancelled(function() return sleeper:sleep(60) end) })
  end)
end)
