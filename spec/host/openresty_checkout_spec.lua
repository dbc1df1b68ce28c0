local nginx = require "spec.support.nginx"
local openresty = require "spec.support.openresty"
local sandbox = require "pix.sandbox"

describe("a checkout in OpenResty", function()
  local sb, ng

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  after_each(function()
    if ng then ng:stop() end
    ng = nil
  end)

  -- nginx kills the coroutines of a request whose client has gone: here the one that leads all who
  -- wait, in the moment in which it looks at the provider.
  it("goes on looking for those who wait when its leader's client goes away", function()
    ng = openresty.start(sb, { http = "lua_check_client_abort on;", locations = {
      wait = [[
        shop = shop or assert(pix.checkout { ssg, journal = false })
        local charge = assert(shop:charge { amount = 1990, reference = "o-1" })
        ngx.say(shown(charge:wait { timeout = 600 })) ]] } })
    sb.fault { provider = "ssg", operation = "status", delay = 3600, times = "always" }
    ng:request { path = "/wait", leave = function()
      return sb.count { provider = "ssg", operation = "status" } == 1
    end }
    nginx.eventually("nginx sees that it has gone", function()
      return ng:errors():find("client prematurely closed connection", 1, true)
    end)
    local replies = ng:all({ "/wait" }, function()
      sb.clear_faults()
      sb.pay(sb.ledger().charges[1])
    end)
    assert.equal("paid\n", replies[1].body)
    assert.equal(1, #sb.ledger().charges)
  end)
end)
