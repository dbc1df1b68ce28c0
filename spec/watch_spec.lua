local pix = require "pix"
local shops = require "spec.support.shop"

local order = shops.order

describe("the watcher", function()
  local s, t

  before_each(function()
    s = shops.new()
    t = s.t
  end)

  after_each(function() s:stop() end)

  local function times(provider, operation)
    local list = {}
    for i, request in ipairs(t:requests(provider, operation or "status")) do
      list[i] = request.at
    end
    return list
  end

  it("looks every 2–3 s in the first minute, then up to every 15 s, with jitter", function()
    local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
    charge:wait { timeout = 600 }
    local list, steps = times "ssg", {}
    for i = 2, #list do
      local gap = list[i] - list[i - 1]
      if list[i] < 60 then
        assert.truthy(gap >= 1.99 and gap <= 3.01, gap)
      elseif i < #list then
        assert.truthy(gap <= 15.01, gap)
      end
      steps[("%.3f"):format(gap)] = true
    end
    assert.truthy(list[#list] - list[#list - 1] <= 15)
    assert.truthy(next(steps, next(steps)))
  end)

  it("gives an error of kind timeout when the time is over, after a last look", function()
    local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
    local status, err = charge:wait { timeout = 30 }
    assert.is_nil(status)
    assert.equal("timeout", err.kind)
    local list = times "ssg"
    assert.near(30, list[#list], 0.01)
  end)

  it("passes over errors that pass, and ends with those that do not", function()
    local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
    for _ = 1, 3 do
      t:reply("ssg", "status", { status = 503, body = {} })
    end
    t:reply("ssg", "status", { status = 404, body = { message = "nada" } })
    local status, err = charge:wait { timeout = 100 }
    assert.is_nil(status)
    assert.equal("not_found", err.kind)
  end)

  it("calls on_poll after each look", function()
    local charge, seen = assert(s:open({ "ssg" }):charge(order "o-1")), 0
    charge:wait { timeout = 20, on_poll = function(same)
      assert.equal(charge, same)
      seen = seen + 1
    end }
    assert.truthy(seen >= 6 and seen <= 10, seen)
  end)

  it("keeps all looks at one provider within 40 a minute, and charges go on meanwhile", function()
    local shop = s:open { "ssg" }
    pix.run(function()
      for i = 1, 60 do
        local charge = assert(shop:charge(order("o-" .. i)))
        pix.spawn(function() charge:wait { timeout = 300 } end)
      end
      pix.sleep(100)
      local before = t:now()
      assert(shop:charge(order "another"))
      assert.equal(before, t:now())
    end)
    local list = times "ssg"
    for i = 1, #list do
      local count = 0
      for j = i, #list do
        if list[j] < list[i] + 60 then count = count + 1 end
      end
      assert.truthy(count <= 40, count)
    end
    assert.truthy(#list >= 5 * 35, #list)
  end)

  it("looks as often as the checkout's budget says where somebody waits, and within it", function()
    for provider, most in pairs { ssg = 90, detseg = 90, payzu = 40 } do
      local declared = most ~= 40 and most or nil
      local shop = s:open { provider, budget = { [provider] = { look_every = 0.75,
        polls_per_minute = declared } } }
      local charge = assert(shop:charge(order("often-" .. provider)))
      local began = t:now()
      charge:wait { timeout = 200 }
      local count, last = 0, nil
      for _, at in ipairs(times(provider)) do
        if at >= began + 60 and at < began + 120 then
          count, last = count + 1, at
        end
      end
      assert.is_true(last and count <= most and count >= most * 0.85, provider .. " " .. count)
    end
  end)

  it("sends who says it to one wait of a checkout's charge to the budget", function()
    local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
    assert.error_matches(function() charge:wait { every = 0.75 } end, "look_every")
  end)

  it("keeps to it without anybody who waits, and reaches every charge", function()
    local shop, seen = s:open { "payzu" }, {}
    pix.run(function()
      for i = 1, 200 do
        assert(shop:charge(order("o-" .. i)))
      end
      shop:watch { ["for"] = 600 }
    end)
    local list = t:requests("payzu", "status")
    for _, request in ipairs(list) do
      seen[request.json.id] = true
    end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(200, count)
    assert.truthy(#list <= 400, #list)
  end)

  it("asks one search for all that wait, where the provider can list", function()
    local shop = s:open { "detseg" }
    local paid = 0
    pix.run(function()
      local charges = {}
      for i = 1, 100 do
        charges[i] = assert(shop:charge(order("o-" .. i)))
        pix.spawn(function()
          if charges[i]:wait { timeout = 300 } == "paid" then paid = paid + 1 end
        end)
      end
      pix.sleep(50)
      for i = 1, 100 do
        t:pay(charges[i])
      end
    end)
    assert.equal(100, paid)
    assert.equal(0, s:asked("status").detseg)
    local searches = s:asked("search").detseg
    assert.truthy(searches >= 10 and searches <= 60, searches)
    assert.equal(100, s:count "charge.paid")
  end)

  it("goes on when the one who led it is done", function()
    local shop, done = s:open { "ssg" }, {}
    pix.run(function()
      for i = 1, 3 do
        local charge = assert(shop:charge(order("o-" .. i)))
        pix.spawn(function()
          done[i] = charge:wait { timeout = 600 }
          assert.truthy(t:now() <= 15 * i + 3.1, t:now()) -- at the next look, whoever leads
        end)
        pix.spawn(function()
          pix.sleep(15 * i)
          t:pay(charge)
        end)
      end
    end)
    assert.same({ "paid", "paid", "paid" }, done)
  end)

  it("is woken by a webhook", function()
    local shop = s:open { "payzu" }
    pix.run(function()
      local charge = assert(shop:charge(order "o-1"))
      local waiting = pix.spawn(function() return charge:wait { timeout = 600 } end)
      pix.sleep(200)
      t:pay(charge)
      local at = t:now()
      local body, signature = t:webhook(charge, "hush")
      local event = assert(pix.webhook.verify(body, signature, "hush"))
      assert.equal("paid", shop:webhook(event))
      assert.equal("paid", waiting:await())
      assert.equal(at, t:now())
      assert.equal("paid", shop:webhook(event))
    end)
    assert.equal(1, s:count "charge.paid")
  end)

  it("believes the provider, not the webhook", function()
    local shop = s:open { "payzu" }
    local charge = assert(shop:charge(order "o-1"))
    assert.equal("pending", shop:webhook { provider = "payzu", id = charge.id, status = "paid",
      key = "k-1" })
    assert.equal("pending", charge.status)
    assert.equal("unmatched", shop:webhook { provider = "payzu", id = "PIX-other", status = "paid",
      key = "k-2" })
  end)

  describe("at a charge's local expiry", function()
    it("cancels where the provider can, and takes one last look", function()
      local charge = assert(s:open({ "ssg", expires_in = 120 }):charge(order "o-1"))
      assert.equal("expired", charge:wait { timeout = 600 })
      assert.equal(1, s:asked("cancel").ssg)
      assert.near(120, t:now(), 3)
      assert.equal(1, s:count "charge.expired")
    end)

    it("finds a payment in the last look", function()
      local charge = assert(s:open({ "ssg", expires_in = 120 }):charge(order "o-1"))
      t:reply("ssg", "cancel", function()
        t:pay(charge)
        return { status = 409, body = { message = "pago" } }
      end)
      assert.equal("paid", charge:wait { timeout = 600 })
      assert.is_nil(charge.late)
      assert.equal(0, s:count "charge.expired")
    end)

    it("takes the last look where nothing can be cancelled", function()
      local charge = assert(s:open({ "payzu", expires_in = 120 }):charge(order "o-1"))
      assert.equal("expired", charge:wait { timeout = 600 })
    end)

    it("does not call it expired while the last look fails", function()
      local charge = assert(s:open({ "payzu", expires_in = 60 }):charge(order "o-1"))
      t:handle("payzu", "status", function()
        if t:now() < 100 then return { status = 503, body = {} } end
      end)
      assert.equal("expired", charge:wait { timeout = 600 })
      assert.truthy(t:now() >= 100)
    end)

    it("goes on watching slowly, and tells of a late payment", function()
      local shop = s:open { "payzu", expires_in = 60 }
      local charge = assert(shop:charge(order "o-1"))
      assert.equal("expired", charge:wait { timeout = 600 })
      pix.run(function()
        local watch = pix.spawn(function() return shop:watch { ["for"] = 7200 } end)
        pix.sleep(3600)
        t:pay(charge)
        watch:await()
      end)
      assert.same({ "paid", true }, { charge.status, charge.late })
      assert.equal(1, s:count "charge.late")
      assert.equal(0, s:count "charge.paid")
      assert.truthy(s:asked("status").payzu < 80)
    end)

    it("gives up a day later", function()
      local shop = s:open { "payzu", expires_in = 60 }
      assert(shop:charge(order "o-1"))
      pix.run(function() shop:watch { idle = true } end)
      assert.truthy(t:now() > 86400 and t:now() < 86400 + 900, t:now())
    end)
  end)

  describe("of an order that was paid twice", function()
    local function twice(names)
      names.expires_in = 60
      local shop = s:open(names)
      local first = assert(shop:charge(order "o-1"))
      first:wait { timeout = 100 }
      local second = assert(shop:charge(order "o-1"))
      assert.not_equal(first.id, second.id)
      t:pay(first)
      shop:status(first)
      t:pay(second)
      shop:status(second)
      return first, second
    end

    it("pays the second one back where the provider can", function()
      t:handle("ssg", "cancel", function() return { body = { status = "PENDING" } } end)
      local first, second = twice { "ssg" }
      assert.same({ "paid", "refunded" }, { first.status, second.status })
      assert.same({ 1, 1 }, { s:count "charge.late", s:count "charge.duplicate" })
      assert.equal(1, s:asked("refund").ssg)
    end)

    it("asks for a person where it cannot", function()
      local _, second = twice { "payzu" }
      assert.equal("paid", second.status)
      assert.equal(1, s:count "charge.attention")
      for _, event in ipairs(s.events) do
        if event.type == "charge.duplicate" then assert.is_true(event.needs_person) end
      end
    end)
  end)

  it("runs until the shop is closed", function()
    local shop = s:open { "ssg" }
    pix.run(function()
      local watch = pix.spawn(function() return shop:watch() end)
      pix.sleep(100)
      assert.is_false(watch:done())
      shop:close()
      assert.is_true(watch:await())
    end)
  end)

  it("goes on after a look that raises, and says so in the log", function()
    local shop = s:open { "ssg" }
    pix.run(function()
      local charge = assert(shop:charge(order "o-1"))
      local watch = pix.spawn(function() return shop:watch { ["for"] = 600 } end)
      shop._guard.read = function() error "a defect" end
      pix.sleep(20)
      shop._guard.read = nil
      t:pay(charge)
      watch:await()
      assert.equal("paid", charge.status)
    end)
    assert.truthy(table.concat(s.lines, "\n"):find("a defect", 1, true))
  end)

  it("leaves to those who wait what they look at", function()
    local shop = s:open { "ssg" }
    pix.run(function()
      local charge = assert(shop:charge(order "o-1"))
      local waiting = pix.spawn(function() return charge:wait { timeout = 100 } end)
      local watch = pix.spawn(function() return shop:watch { ["for"] = 90 } end)
      pix.sleep(60)
      local looks = #times "ssg"
      assert.truthy(looks >= 19 and looks <= 31, looks .. " looks") -- 2 to 3 s apart
      t:pay(charge)
      assert.equal("paid", waiting:await())
      watch:await()
    end)
  end)

  it("watches what nobody waits for, and tells of it", function()
    local shop = s:open { "ssg", "payzu" }
    pix.run(function()
      local charge = assert(shop:charge(order "o-1"))
      local watch = pix.spawn(function() return shop:watch { ["for"] = 60 } end)
      pix.sleep(10)
      t:pay(charge)
      watch:await()
      assert.equal("paid", charge.status)
    end)
    assert.same({ "charge.created", "charge.paid" }, s:told())
  end)
end)
