--- libcurl 7.88 counts the retries of an easy handle over all its transfers and gives up at the
-- sixth: a handle that is used again must not inherit them.
local live = require "spec.support.live"

describe("a read on a kept connection that has died", function()
  it("is mended for the twentieth time as for the first", function()
    local sandbox = live.start()
    local ssg = live.provider(sandbox, "ssg")
    local charge = assert(live.call(ssg, "charge", { amount = 1990 }))
    for _ = 1, 20 do
      sandbox.fault { provider = "ssg", operation = "status", close_keepalive = true }
      assert(live.call(ssg, "status", charge))
    end
    sandbox.stop()
  end)
end)
