local core = require "pix.core"
local pix = require "pix"

local function after(seconds, ...)
  local values = { n = select("#", ...), ... }
  return function()
    pix.sleep(seconds)
    return (table.unpack or unpack)(values, 1, values.n)
  end
end

describe("tasks", function()
  local t

  before_each(function() t = pix.testing.start() end)
  after_each(function() t:stop() end)

  describe("pix.spawn", function()
    it("gives its arguments to the function, nils included", function()
      local got
      pix.run(function()
        pix.spawn(function(...) got = { n = select("#", ...), ... } end, 1, nil, 3, nil):await()
      end)
      assert.same({ n = 4, 1, nil, 3 }, got)
    end)

    it("makes a task that tells whether it is done", function()
      pix.run(function()
        local task = pix.spawn(after(1))
        assert.is_false(task:done())
        task:await()
        assert.is_true(task:done())
      end)
    end)

    it("begins a task of before when pix.run begins", function()
      local order = {}
      pix.spawn(function() order[#order + 1] = "spawned" end)
      assert.same({}, order)
      pix.run(function() order[#order + 1] = "run" end)
      assert.same({ "spawned", "run" }, order)
    end)

    it("wants a function", function()
      assert.error_matches(function() pix.spawn(nil) end, "function was expected, not nil")
    end)
  end)

  describe("pix.await", function()
    it("gives all that a task returned", function()
      pix.run(function()
        local task = pix.spawn(after(1, 1, nil, 3))
        assert.equal(3, select("#", task:await()))
        assert.equal(3, (select(3, pix.await(task))))
      end)
    end)

    it("times out with the task going on", function()
      pix.run(function()
        local task = pix.spawn(after(10, "late"))
        local value, err = task:await(1)
        assert.is_nil(value)
        assert.equal("timeout", err.kind)
        assert.equal("late", task:await())
      end)
    end)

    it("leaves a defect to be reported after its timeout", function()
      local heard
      pix.on_error(function(err) heard = err end)
      pix.run(function()
        local task = pix.spawn(function()
          pix.sleep(5)
          error("later")
        end)
        task:await(1)
      end)
      assert.matches("later", heard)
      local alone = pix.spawn(function()
        pix.sleep(5)
        error("much later")
      end)
      alone:await(1)
      t:advance(10)
      assert.matches("much later", heard)
    end)

    it("makes charge objects of what provider:start brings", function()
      local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
      local charge = pix.await(ssg:start("charge", { amount = 500 }))
      assert.equal(500, charge.amount)
      assert.equal("pending", charge:refresh())
    end)

    it("refuses what is no future, a negative timeout, and the task itself", function()
      assert.error_matches(function() pix.await(42) end, "a future or a task was expected")
      assert.error_matches(function() pix.await(io.stdout) end, "a future or a task was expected")
      assert.error_matches(function() pix.await(core.timer(1), -1) end, "seconds were expected")
      assert.error_matches(function() pix.await(core.timer(1), 0 / 0) end, "seconds were expected")
      pix.run(function()
        local task
        task = pix.spawn(function()
          assert.error_matches(function() task:await() end, "cannot wait for itself")
        end)
        task:await()
      end)
    end)
  end)

  describe("pix.sleep", function()
    it("can last longer than the core's longest timer", function()
      assert.is_true(pix.sleep(3 * 86400 + 1))
      assert.equal(3 * 86400 + 1, t:now())
    end)

    it("refuses what is no number of seconds", function()
      for _, bad in ipairs { "1", -1, 0 / 0, math.huge, {} } do
        assert.error_matches(function() pix.sleep(bad) end, "seconds were expected")
      end
    end)
  end)

  describe("pix.all", function()
    it("gives the results in order, of functions, tasks and futures", function()
      local results, errors = pix.run(function()
        return pix.all { after(3, "a"), pix.spawn(after(1, "b")), core.timer(2) }
      end)
      assert.same({ "a", "b", true, n = 3 }, results)
      assert.is_nil(errors)
      assert.equal(3, t:now())
    end)

    it("puts failures in their place among the errors", function()
      local results, errors = pix.all { after(1, "a"), after(1, nil, "failed"), after(1, false) }
      assert.same({ "a", nil, false, n = 3 }, results)
      assert.same({ [2] = "failed" }, errors)
    end)

    it("raises what a task raised, after all have ended", function()
      local ended
      local ok, err = pcall(pix.all, {
        function() error("a defect") end,
        function()
          pix.sleep(5)
          ended = true
        end,
      })
      assert.is_false(ok)
      assert.matches("a defect", err)
      assert.is_true(ended)
    end)

    it("does not report as unheard what it is going to raise", function()
      local heard = 0
      pix.on_error(function() heard = heard + 1 end)
      pix.run(function()
        pcall(pix.all, { after(5), function() error("a defect") end })
      end)
      assert.equal(0, heard)
    end)

    it("gives a timeout for each that was not ready", function()
      local results, errors = pix.all({ after(1, "a"), after(100, "b") }, 5)
      assert.equal("a", results[1])
      assert.equal("timeout", errors[2].kind)
      assert.equal(5, t:now())
    end)

    it("passes on the cancellation of the task that waits, and cancels its functions", function()
      local inner
      local results, err
      pix.run(function()
        local task = pix.spawn(function()
          results, err = pix.all { function() inner = select(2, pix.sleep(100)) end }
        end)
        pix.sleep(1)
        task:cancel()
      end)
      assert.is_nil(results)
      assert.equal("cancelled", err.kind)
      assert.equal("cancelled", inner.kind)
    end)

    it("of nothing is nothing", function()
      assert.same({ n = 0 }, (pix.all {}))
    end)

    it("starts nothing when the list holds something else", function()
      local begun
      assert.error_matches(function() pix.all { function() begun = true end, 42 } end, "%[2%]")
      pix.update()
      assert.is_nil(begun)
    end)
  end)

  describe("pix.any", function()
    it("gives the first success and its place", function()
      local value, place = pix.any { after(3, "slow"), after(1, "fast") }
      assert.equal("fast", value)
      assert.equal(2, place)
    end)

    it("passes over failures while others still run", function()
      local value, place = pix.any { after(1, nil, "failed"), after(2, "good") }
      assert.equal("good", value)
      assert.equal(2, place)
    end)

    it("gives the last failure when all fail", function()
      local value, err = pix.any { after(2, nil, "last"), after(1, nil, "first") }
      assert.is_nil(value)
      assert.equal("last", err)
    end)

    it("cancels its own functions, and leaves tasks and futures to their owners", function()
      local own, task_ended
      pix.run(function()
        local task = pix.spawn(function() task_ended = pix.sleep(10) end)
        pix.any { function() own = select(2, pix.sleep(100)) end, after(1, "first"), task }
      end)
      assert.equal("cancelled", own.kind)
      assert.is_true(task_ended)
      assert.equal(10, t:now())
    end)

    it("times out", function()
      local value, err = pix.any({ after(100, "late") }, 2)
      assert.is_nil(value)
      assert.equal("timeout", err.kind)
    end)

    it("works inside a task and outside", function()
      assert.equal("x", pix.run(function() return (pix.any { after(1, "x") }) end))
      assert.equal("x", (pix.any { after(1, "x") }))
    end)

    it("of nothing is a mistake", function()
      assert.error_matches(function() pix.any {} end, "empty")
    end)
  end)
end)
