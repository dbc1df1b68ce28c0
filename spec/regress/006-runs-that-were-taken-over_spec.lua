-- A run that another worker goes on with asked for its charge anew: "busy" counted as a failure,
-- though the charge was being made, and a charge that had been cancelled was made a second time.
local core = require "pix.core"
local pix = require "pix"
local program = require "spec.support.program"

local ORDER = { total = "8.50", order = "17" }

describe("a run that was taken over", function()
  local t, folder, flow, alerts

  before_each(function()
    t = pix.testing.start { wall = 1800000000 }
    folder = program.folder()
    flow = assert(pix.flow.load "examples/flows/coffee.flow.lua")
    alerts = {}
  end)

  after_each(function()
    t:stop()
    program.remove(folder)
  end)

  local function options_of(shop, journal)
    return { checkout = shop, journal = journal, perform = { brew = function() return true end },
      alert = function(message) alerts[#alerts + 1] = message end }
  end

  it("waits for the charge that the former worker's request may still make", function()
    local tries = 0
    local run = assert(flow:run(ORDER, options_of { durable = true, revive = function() end,
      charge = function()
        tries = tries + 1
        if tries > 10 then
          return nil, core.error { kind = "conflict", code = "unknown", sent = "maybe" }
        end
        return nil, core.error { kind = "conflict", code = "busy", sent = "no", retry_after = 40 }
      end }))
    pix.run(function() run:wait() end)
    assert.equal(11, tries)
    assert.equal(1, #alerts)
  end)

  it("does not make a charge anew that was cancelled just before", function()
    local ssg = assert(pix.ssg { client_id = "a", client_secret = "b", device_code = "c" })
    local function open(worker)
      return assert(pix.checkout { ssg, journal = folder .. "/orders.db" }),
        assert(require("pix.journal").open(folder .. "/runs.db", { worker = worker }))
    end
    local shop, journal = open "one"
    local run = assert(flow:run(ORDER, options_of(shop, journal)))
    pix.run(function()
      pix.sleep(1)
      journal.run_step = function() error("power cut", 0) end
      run:signal "cancel"
      assert.matches("power cut", tostring(select(2, pcall(run.wait, run))))
    end)
    assert.equal(1, #t:requests("ssg", "cancel"))
    shop:close()
    journal:close()
    shop, journal = open "two"
    pix.run(function()
      local given = options_of(shop, nil)
      given.flows, given.sole = { flow }, true
      local runs = assert(pix.flow.resume(journal, given)).runs
      assert.equal("done", (runs[1]:wait()))
      assert.equal("bye", runs[1].state)
    end)
    assert.equal(1, #t:requests("ssg", "charge"))
    shop:close()
    journal:close()
  end)
end)
