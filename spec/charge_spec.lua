local core = require "pix.core"
local charges = require "pix.charge"
local pix = require "pix"

local function saved(changes)
  local charge = {
    id = "0192fee7-4c2a-73bb-a74a-856ec3c77842", provider = "ssg", status = "pending",
    raw_status = "PENDING", amount = 1990, code_kind = "opaque", sent = "yes",
  }
  for name, value in pairs(changes or {}) do
    charge[name] = value
  end
  return charge
end

describe("charge.move", function()
  local function moved(from, to)
    local charge = { status = from }
    charges.move(charge, { status = to })
    return charge.status, charge.late
  end

  it("goes forward from pending to anything", function()
    for _, to in ipairs { "paid", "expired", "cancelled", "rejected", "refunded" } do
      assert.equal(to, (moved("pending", to)))
    end
  end)

  it("never goes back", function()
    assert.equal("paid", (moved("paid", "pending")))
    assert.equal("paid", (moved("paid", "expired")))
    assert.equal("paid", (moved("paid", "cancelled")))
    assert.equal("paid", (moved("paid", "unknown")))
    assert.equal("refunded", (moved("refunded", "paid")))
    assert.equal("expired", (moved("expired", "pending")))
    assert.equal("expired", (moved("expired", "cancelled")))
  end)

  it("takes a late payment, and says that it is late", function()
    for _, from in ipairs { "expired", "cancelled", "rejected" } do
      local status, late = moved(from, "paid")
      assert.equal("paid", status)
      assert.is_true(late)
    end
  end)

  it("does not call a payment late that came in time", function()
    assert.is_nil(select(2, moved("pending", "paid")))
    assert.is_nil(select(2, moved("paid", "refunded")))
  end)

  it("goes to and fro between pending and unknown", function()
    assert.equal("unknown", (moved("pending", "unknown")))
    assert.equal("pending", (moved("unknown", "pending")))
  end)

  it("keeps the provider's word in step, and fills in an amount that was not known", function()
    local charge = { status = "paid", raw_status = "liquidated" }
    charges.move(charge, { status = "paid", raw_status = "completed", amount = 5 })
    assert.equal("completed", charge.raw_status)
    assert.equal(5, charge.amount)
    charges.move(charge, { status = "pending", raw_status = "pending", amount = 6 })
    assert.equal("completed", charge.raw_status)
    assert.equal(5, charge.amount)
  end)
end)

describe("pix.charge", function()
  local t, ssg

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
  end)

  after_each(function() t:stop() end)

  it("rebuilds a charge that was saved as JSON", function()
    local made = ssg:charge { amount = "19.90" }
    local fields = {}
    for name, value in pairs(made) do
      if name ~= "raw" then fields[name] = value end
    end
    local text = require("pix.testing.replies").encode(fields)
    local charge = assert(pix.charge(core.json_decode(text)))
    assert.equal(made.id, charge.id)
    assert.equal("1990", tostring(charge.amount))
    assert.equal(made.code, charge.code)
    t:pay(charge)
    assert.equal("paid", charge:refresh())
  end)

  it("holds documented fields only", function()
    local known = {
      id = true, provider = true, status = true, raw_status = true, amount = true, code = true,
      code_kind = true, sent = true, raw = true, qr_png = true, late = true,
    }
    for name in pairs(ssg:charge { amount = 100 }) do
      assert.is_true(known[name], name)
    end
  end)

  it("does not touch the table it is given", function()
    local table_given = saved()
    local charge = pix.charge(table_given)
    assert.is_nil(getmetatable(table_given))
    assert.are_not.equal(table_given, charge)
  end)

  it("names the field that is wrong", function()
    for name, value in pairs {
      id = false, provider = 1, status = "odd", code_kind = "x", amount = 1.5, late = "yes",
    } do
      local charge, err = pix.charge(saved { [name] = value })
      assert.is_nil(charge)
      assert.equal("invalid", err.kind)
      assert.is_truthy(err.fields[name], name)
    end
    local _, err = pix.charge(saved { id = "" })
    assert.is_truthy(err.fields.id)
  end)

  it("raises for what is no table, and for another provider's object", function()
    assert.error_matches(function() pix.charge("x") end, "a table was expected")
    assert.error_matches(function() pix.charge(saved { provider = "payzu" }, ssg) end, "payzu")
  end)

  it("says what is missing when there is no provider object", function()
    local charge = assert(pix.charge(saved { provider = "nobody" }))
    local status, err = charge:refresh()
    assert.is_nil(status)
    assert.equal("config", err.kind)
    assert.matches("pix.nobody", err.hint)
  end)

  it("is a charge by its tostring", function()
    assert.equal("pix.charge (ssg 0192fee7-4c2a-73bb-a74a-856ec3c77842, pending)",
      tostring(pix.charge(saved())))
  end)
end)

describe("a charge", function()
  local t, ssg, charge

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
    charge = assert(ssg:charge { amount = 1990 })
  end)

  after_each(function() t:stop() end)

  it("is cancelled and refunded through its provider, by its whole amount", function()
    t:pay(charge)
    assert.equal("refunded", charge:refund())
    assert.matches('"value":19.90', t:requests("ssg", "refund")[1].body)
    local other = ssg:charge { amount = 500 }
    assert.equal("cancelled", other:cancel())
    assert.equal("CANCELLED", other.raw_status)
  end)

  it("keeps its status when an operation fails", function()
    t:pay(charge)
    charge:refresh()
    local status, err = charge:cancel()
    assert.is_nil(status)
    assert.equal("conflict", err.kind)
    assert.equal("paid", charge.status)
  end)

  describe(":qr", function()
    it("draws a BR Code in every format, text by default", function()
      assert.matches("^\137PNG", charge:qr "png")
      assert.matches("<svg", charge:qr "svg")
      assert.equal("table", type(charge:qr "matrix"))
      assert.equal(charge:qr(), charge:qr "text")
    end)

    it("draws base64 JSON as the provider gave it", function()
      charge.code_kind = "base64-json"
      assert.matches("^\137PNG", charge:qr "png")
    end)

    it("does not draw an opaque code", function()
      charge.code_kind = "opaque"
      local picture, err = charge:qr "png"
      assert.is_nil(picture)
      assert.equal("unsupported", err.kind)
    end)

    it("gives the provider's own picture when there is no code of ours", function()
      charge.code_kind, charge.qr_png = "opaque", "iVBORw0KGgo=\r\n"
      assert.equal("\137PNG\r\n\26\n", charge:qr "png")
      assert.matches("qr \"png\"", select(2, charge:qr "svg").hint)
    end)
  end)

  describe(":wait", function()
    -- The last looks of waits that end may come on top: `before` leaves them out.
    local function most_in_a_minute(before)
      local at, most = {}, 0
      for _, look in ipairs(t:requests("ssg", "status")) do
        if look.at < (before or math.huge) then at[#at + 1] = look.at end
      end
      for i = 1, #at do
        local last = i
        while at[last + 1] and at[last + 1] < at[i] + 60 do last = last + 1 end
        most = math.max(most, last - i + 1)
      end
      return most
    end

    it("returns paid when the provider says so", function()
      pix.run(function()
        pix.spawn(function()
          pix.sleep(100)
          t:pay(charge)
        end)
        assert.equal("paid", charge:wait { timeout = 300 })
      end)
      assert.is_true(t:now() >= 100 and t:now() <= 116)
    end)

    it("looks every two to three seconds, then less often", function()
      charge:wait { timeout = 600 }
      local looks = t:requests("ssg", "status")
      assert.is_true(looks[1].at >= 2 and looks[1].at <= 3)
      assert.is_true(#looks > 20 + 540 / 15 and #looks < 30 + 540 / 12 + 5, #looks)
      assert.is_true(looks[#looks - 1].at - looks[#looks - 2].at >= 12)
    end)

    it("takes one last look when the time is over", function()
      local status, err = charge:wait { timeout = 10 }
      assert.is_nil(status)
      assert.equal("timeout", err.kind)
      assert.matches("pending", err.message)
      assert.equal("pending", charge.status)
      local looks = t:requests("ssg", "status")
      assert.is_true(math.abs(looks[#looks].at - 10) < 0.001)
    end)

    it("looks once for a timeout of zero", function()
      charge:wait { timeout = 0 }
      assert.equal(1, #t:requests("ssg", "status"))
      assert.equal(0, t:now())
    end)

    it("looks at a rebuilt charge at once", function()
      t:pay(charge)
      local again = pix.charge { id = charge.id, provider = "ssg", status = "pending" }
      assert.equal("paid", again:wait())
      assert.equal(0, t:now())
    end)

    it("asks nothing about a charge that is over", function()
      charge.status = "paid"
      assert.equal("paid", charge:wait())
      assert.equal(0, #t:requests("ssg", "status"))
    end)

    it("passes over errors of the network and of the provider's servers", function()
      t:fail("ssg", "status", { kind = "network", sent = "no" })
      t:fail("ssg", "status", { kind = "timeout" })
      t:reply("ssg", "status", { status = 503, body = { message = "later" } })
      t:reply("ssg", "status", { status = 200, body = "<html>", headers = {
        ["content-type"] = "text/html" } })
      t:pay(charge)
      assert.equal("paid", charge:wait { timeout = 60 })
      assert.equal(5, #t:requests("ssg", "status"))
    end)

    it("tells the last error when the time is over", function()
      t:handle("ssg", "status", function() return { status = 500, body = { message = "ai" } } end)
      local _, err = charge:wait { timeout = 10 }
      assert.equal("timeout", err.kind)
      assert.matches("last look failed", err.message)
    end)

    it("waits as long as the provider asks for", function()
      t:reply("ssg", "status", { status = 429, body = { message = "devagar" },
        headers = { ["Retry-After"] = 30 } })
      charge:wait { timeout = 100 }
      local looks = t:requests("ssg", "status")
      assert.is_true(looks[2].at - looks[1].at >= 30 - 1e-6) -- the clock counts nanoseconds
    end)

    it("ends at an error that will not pass", function()
      t:reply("ssg", "status", { status = 404, body = { message = "não encontrado" } })
      local status, err = charge:wait { timeout = 300 }
      assert.is_nil(status)
      assert.equal("not_found", err.kind)
    end)

    it("goes on at a word that luapix does not know", function()
      t:reply("ssg", "status", { status = 200, body = { status = "PROCESSANDO" } })
      t:pay(charge)
      assert.equal("paid", charge:wait { timeout = 60 })
    end)

    it("tells of each look", function()
      t:fail("ssg", "status", { kind = "network" })
      local heard = {}
      charge:wait { timeout = 5, on_poll = function(seen, err)
        assert.equal(charge, seen)
        heard[#heard + 1] = err and err.kind or seen.status
      end }
      assert.equal("network", heard[1])
      assert.equal("pending", heard[2])
    end)

    it("ends when its task is cancelled", function()
      local err
      pix.run(function()
        local task = pix.spawn(function() err = select(2, charge:wait()) end)
        pix.sleep(20)
        task:cancel()
      end)
      assert.equal("cancelled", err.kind)
      assert.is_true(t:now() < 30)
    end)

    it("does not ask a provider more than forty times a minute, for many charges", function()
      pix.run(function()
        for _ = 1, 30 do
          local one = ssg:charge { amount = 100 }
          pix.spawn(function() one:wait { timeout = 120 } end)
        end
      end)
      local most = most_in_a_minute(119)
      assert.is_true(most <= 40 and most >= 36, most .. " looks in a minute")
    end)

    it("looks as often as the program wants, within the minute that it declares", function()
      pix.run(function()
        for second = 10, 200, 10 do
          local one = ssg:charge { amount = 100 }
          pix.spawn(function()
            pix.sleep(second / 10)
            t:pay(one)
          end)
          local began = t:now()
          assert.equal("paid", one:wait { timeout = 300, every = 0.75, per_minute = 90 })
          local late = t:now() - began - second / 10
          assert.is_true(late <= 0.75, late .. " s late")
        end
      end)
      assert.is_true(most_in_a_minute() > 40)
    end)

    it("looks at once when a webhook calls, however little of the budget is left", function()
      pix.webhook.listen()
      pix.run(function()
        local tasks = {}
        for i = 1, 10 do
          local one = ssg:charge { amount = 100 }
          tasks[i] = { charge = one, pix.spawn(function()
            one:wait { timeout = 300, every = 0.25 }
            return t:now()
          end) }
        end
        pix.sleep(59.9)
        local called = tasks[10].charge
        t:pay(called)
        pix.webhook.wake { provider = "ssg", id = called.id }
        assert.near(59.9, tasks[10][1]:await(), 0.01)
        for i = 1, 9 do tasks[i][1]:cancel() end
      end)
    end)

    it("looks more rarely than that where the budget does not bear it", function()
      charge:wait { timeout = 300, every = 0.75 }
      local most = most_in_a_minute()
      assert.is_true(most <= 40 and most >= 36, most .. " looks in a minute")
    end)

    it("refuses options of the wrong type", function()
      assert.error_matches(function() charge:wait(30) end, "a table of options")
      assert.error_matches(function() charge:wait { timeout = "30" } end, "timeout must be seconds")
      assert.error_matches(function() charge:wait { timeout = 0 / 0 } end, "timeout must be")
      assert.error_matches(function() charge:wait { on_poll = 1 } end, "on_poll")
      assert.error_matches(function() charge:wait { every = 0 } end, "every must be seconds")
      assert.error_matches(function() charge:wait { every = "1" } end, "every must be seconds")
      assert.error_matches(function() charge:wait { per_minute = 0 } end, "per_minute must be")
    end)
  end)
end)
