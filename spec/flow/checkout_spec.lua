local core = require "pix.core"
local pix = require "pix"
local program = require "spec.support.program"

local COFFEE = "examples/flows/coffee.flow.lua"
local ORDER = { total = "8.50", order = "17" }

describe("a flow with a checkout and a journal on disk", function()
  local t, folder, flow, alerts

  before_each(function()
    t = pix.testing.start { wall = 1800000000 }
    folder = program.folder()
    flow = assert(pix.flow.load(COFFEE))
    alerts = {}
  end)
  after_each(function()
    t:stop()
    program.remove(folder)
  end)

  local function open(provider, worker)
    local shop = assert(pix.checkout { provider, journal = folder .. "/orders.db" })
    local journal = assert(require("pix.journal").open(folder .. "/runs.db", { worker = worker }))
    return shop, journal
  end

  local function options(shop, journal, brew)
    return { checkout = shop, journal = journal, ui = { show = function(name, data)
      if name == "qr" then t._shown = data.charge end
    end }, perform = { brew = brew or function() return true end },
      alert = function(message) alerts[#alerts + 1] = message end }
  end

  local function ssg()
    return pix.ssg { client_id = "a", client_secret = "b", device_code = "c" }
  end

  it("comes to its end, and gives the money back through the checkout", function()
    local shop, journal = open(ssg(), "one")
    local run = assert(flow:run(ORDER, options(shop, journal, function() return nil, "jam" end)))
    pix.run(function()
      pix.sleep(1)
      t:pay(t._shown)
      assert.equal("failed", (run:wait()))
    end)
    assert.equal("sorry", run.state)
    assert.equal(1, #t:requests("ssg", "refund"))
    assert.same({}, alerts)
    shop:close()
    journal:close()
  end)

  it("waits for a refund that another worker has begun, and then looks what came of it", function()
    local shop, journal = open(ssg(), "one")
    local run = assert(flow:run(ORDER, options(shop, journal, function()
      local charge = shop._store:by_charge("ssg", t._shown.id)
      assert(shop._store:intent { reference = charge.id, kind = "refund", provider = "ssg",
        amount = charge.amount, params = "refund", now = core.reactor():wall(), lease = 60 })
      return nil, "jam"
    end)))
    pix.run(function()
      pix.sleep(1)
      t:pay(t._shown)
      assert.equal("failed", (run:wait()))
    end)
    assert.truthy(t:now() > 60)
    assert.equal("sorry", run.state)
    assert.equal(1, #t:requests("ssg", "refund"))
    assert.same({}, alerts)
    shop:close()
    journal:close()
  end)

  it("leaves an expired charge that cannot be cancelled to the checkout to watch", function()
    local payzu = assert(pix.payzu { api_key = "a", webhook_url = "https://shop.example/pix" })
    local shop, journal = open(payzu, "one")
    local run = assert(flow:run(ORDER, options(shop, journal)))
    pix.run(function() run:wait() end)
    assert.equal("bye", run.state)
    assert.same({}, alerts)
    shop:close()
    journal:close()
  end)

  it("hands it to a person where nobody watches", function()
    local payzu = assert(pix.payzu { api_key = "a", webhook_url = "https://shop.example/pix" })
    local run = assert(flow:run(ORDER, options(payzu, pix.flow.memory())))
    pix.run(function() run:wait() end)
    assert.equal("sorry", run.state)
    assert.equal(1, #alerts)
  end)

  it("is gone on with by another process, with the same charge", function()
    local shop, journal = open(ssg(), "one")
    local first = assert(flow:run(ORDER, options(shop, journal)))
    pix.run(function()
      pix.sleep(1)
      first:stop()
    end)
    local charge = t._shown
    assert.is_nil((first:wait()))
    shop:close()
    journal:close()
    shop, journal = open(ssg(), "two")
    pix.run(function()
      local given = options(shop, nil)
      given.flows, given.sole = { flow }, true
      local result = assert(pix.flow.resume(journal, given))
      assert.equal(1, #result.runs)
      pix.sleep(1)
      assert.equal(charge.id, t._shown.id)
      t:pay(charge)
      assert.equal("done", (result.runs[1]:wait()))
    end)
    assert.equal(1, #t:requests("ssg", "charge"))
    assert.truthy(table.concat(pix.flow.trace(journal, first.id), "\n"):find("the customer paid"))
    shop:close()
    journal:close()
  end)
end)

describe("the example of docs/flow.md", function()
  it("runs", function()
    local t = pix.testing.start()
    finally(function() t:stop() end)
    local text = program.read("docs/flow.md"):match "```lua\n(.-)```"
    local printed = {}
    local env = setmetatable({ print = function(...)
      printed[#printed + 1] = table.concat({ tostring((...)), tostring((select(2, ...))) }, " ")
    end }, { __index = _G })
    local chunk = setfenv and setfenv(assert(loadstring(text)), env)
      or assert(load(text, "flow.md", "t", env))
    chunk()
    assert.same({ "screen: qr", "screen: bye", "done nil" }, printed)
  end)
end)
