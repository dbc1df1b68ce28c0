local nginx = require "spec.support.nginx"
local program = require "spec.support.program"
local sandbox = require "pix.sandbox"

describe("examples/openresty", function()
  it("sells a coffee: the page, the code, the webhook, and the page hears of it", function()
    local sb = sandbox.start()
    local credentials = sb.credentials.payzu
    local shop
    local folder = program.folder() -- where the shop's journal lies
    finally(function()
      if shop then shop:stop() end
      sb.stop()
      program.remove(folder)
    end)
    shop = nginx.start_file("examples/openresty/nginx.conf", 8080, {
      PAYZU_API_KEY = credentials.api_key, PAYZU_WEBHOOK_SECRET = credentials.webhook_secret,
      PAYZU_BASE_URL = sb.url.payzu, SHOP_JOURNAL = folder .. "/shop.db",
    })
    assert.are.equal("pong\n", shop:request("/ping").body)
    assert.truthy(shop:request("/").body:find("Café, R$ 19,90", 1, true))
    local made = shop:request { path = "/charges", method = "POST" }
    assert.are.equal(201, made.status, made.body .. shop:errors())
    local id = made.body:match('"id":"([%w-]+)"')
    assert.truthy(made.body:find('"code":"000201', 1, true))
    assert.truthy(shop:request("/charges/" .. id .. "/qr").body:find("<svg", 1, true))
    local replies = shop:all({ "/charges/" .. id, "/ping" }, function() sb.pay(id) end)
    assert.are.equal('{"status":"paid"}\n', replies[1].body)
    assert.are.equal("pong\n", replies[2].body)
    nginx.eventually("the webhook is in the log", function()
      return shop:errors():find(id .. " is paid", 1, true)
    end)
    assert.are.equal(404, shop:request("/charges/none").status)
    assert.are.equal(405, shop:request("/charges").status)
  end)
end)
