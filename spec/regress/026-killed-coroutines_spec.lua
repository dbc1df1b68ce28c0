--- In OpenResty a client that goes away has its coroutines killed (lua_check_client_abort). One
-- that was killed in a request kept its place in the provider's budget for ever, or remained the
-- breaker's only trial; one that led those who wait left them without a leader; after one that
-- told an event no other was told.
local hosts = require "pix.host"
local pix = require "pix"
local shops = require "spec.support.shop"

describe("a coroutine that is killed", function()
  local s, t

  before_each(function()
    s = shops.new()
    t = s.t
  end)

  after_each(function() s:stop() end)

  -- Runs f until it waits for the first time, and never goes on with it.
  local function kill(f)
    local await = hosts.await
    hosts.await = coroutine.yield
    local killed = coroutine.create(f)
    local ok, problem = coroutine.resume(killed)
    hosts.await = await
    assert(ok, problem)
    assert.equal("suspended", coroutine.status(killed))
  end

  it("in a request gives its place in the budget back when that must have ended", function()
    local shop = s:open { "ssg", budget = { ssg = { concurrency = 2 } }, deadline = 20 }
    for i = 1, 2 do
      kill(function() shop:charge(shops.order("killed-" .. i)) end)
    end
    local charge = assert(shop:charge(shops.order("o-1", { deadline = 60 })))
    assert.equal("pending", charge.status)
    assert.truthy(t:now() >= 15) -- the provider's time-out
    assert(shop:charge(shops.order "o-2"))
    assert.truthy(t:now() < 20)
  end)

  it("in a look gives its place among the looks back", function()
    local shop = s:open { "ssg", budget = { ssg = { polls_at_once = 1 } } }
    local charge = assert(shop:charge(shops.order "o-1"))
    kill(function() shop._guard:read("ssg", "status", { id = charge.id }, { lane = "poll" }) end)
    t:pay(charge)
    assert.equal("paid", charge:wait { timeout = 200 })
  end)

  it("as the breaker's trial makes room for another trial", function()
    local shop = s:open { "ssg", "payzu", select = "failover" }
    s:fail("ssg", "network", "no", 5)
    for i = 1, 5 do assert(shop:charge(shops.order("failing-" .. i))) end
    assert.equal("payzu", assert(shop:charge(shops.order "open")).provider)
    t:advance(60)
    kill(function() shop:charge(shops.order "killed") end)
    assert.equal("payzu", assert(shop:charge(shops.order "at once")).provider)
    t:advance(60)
    assert.equal("ssg", assert(shop:charge(shops.order "later")).provider)
  end)

  it("in on_event leaves the event to be told again, and all that come after it", function()
    local told, die = {}, true
    local shop = s:open { "ssg", on_event = function(event)
      if die then hosts.await() end
      told[#told + 1] = event.type
    end }
    kill(function()
      shop._store:intent { reference = "o-0", provider = "ssg", amount = 1, params = "p",
        now = 1790000000, id = "op-0" }
      shop._store:answered("op-0", { now = 1790000000, charge = { id = "c", status = "pending" } })
      shop:_tell()
    end)
    die = false
    assert(shop:charge(shops.order "o-1"))
    assert.same({}, told)
    t:advance(61)
    assert(shop:charge(shops.order "o-2"))
    assert.same({ "charge.created", "charge.created", "charge.created" }, told)
  end)

  it("as the one who leads those who wait is followed by another", function()
    local shop = s:open { "ssg" }
    local first = assert(shop:charge(shops.order "o-1"))
    local second = assert(shop:charge(shops.order "o-2"))
    kill(function() first:wait { timeout = 600 } end)
    t:pay(second)
    local began = t:now()
    assert.equal("paid", second:wait { timeout = 600 })
    assert.truthy(t:now() - began < 20, t:now() - began)
    pix.run(function() pix.sleep(700) end)
    assert(shop:charge(shops.order "o-3"):wait { timeout = 1 } == nil)
    assert.equal(nil, (next(shop._watch._pinned))) -- nobody waits any more
  end)
end)
