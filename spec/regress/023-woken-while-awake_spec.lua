--- A webhook that came while charge:wait looked at the provider woke nobody: the payment was
-- noticed one interval later, up to fifteen seconds.
local pix = require "pix"

describe("a webhook that comes while the charge is looked at", function()
  local t, ssg

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "id", client_secret = "secret", device_code = "device" })
    pix.webhook.listen()
  end)

  after_each(function() t:stop() end)

  it("calls for another look at once", function()
    pix.run(function()
      local charge = assert(ssg:charge { amount = 1990 })
      t:reply("ssg", "status", { body = { status = "PENDING" }, delay = 2 })
      local waiting = pix.spawn(function()
        return charge:wait { timeout = 900, every = 300 }
      end)
      repeat pix.sleep(1) until #t:requests("ssg", "status") == 1 -- it is under way
      t:pay(charge)
      pix.webhook.wake { provider = "ssg", id = charge.id }
      local began = t:now()
      assert.equal("paid", (waiting:await()))
      assert.equal(2, #t:requests("ssg", "status"))
      assert.truthy(t:now() - began < 3, t:now() - began)
    end)
  end)
end)
