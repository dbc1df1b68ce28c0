local core = require "pix.core"
local pix = require "pix"

describe("the scheduler", function()
  local t, reported

  before_each(function()
    t = pix.testing.start()
    reported = {}
    pix.on_error(function(err) reported[#reported + 1] = tostring(err) end)
  end)

  after_each(function() t:stop() end)

  describe("pix.run", function()
    it("returns what its function returns", function()
      assert.same({ 1, nil, 3, n = 3 }, (function(...) return { n = select("#", ...), ... } end)(
        pix.run(function(a, b) return a, b, 3 end, 1, nil)))
    end)

    it("ends only when every task has ended", function()
      local done
      pix.run(function()
        pix.spawn(function()
          pix.sleep(10)
          done = true
        end)
      end)
      assert.is_true(done)
    end)

    it("raises its function's error with a traceback, after the others have ended", function()
      local others
      local ok, err = pcall(pix.run, function()
        pix.spawn(function()
          pix.sleep(5)
          others = "ended"
        end)
        error("a defect")
      end)
      assert.is_false(ok)
      assert.matches("scheduler_spec.lua:%d+: a defect", err)
      assert.matches("stack traceback", err)
      assert.equal("ended", others)
    end)

    it("raises an error object as it is", function()
      local object = { kind = "mine" }
      local _, err = pcall(pix.run, function() error(object) end)
      assert.equal(object, err)
    end)

    it("raises even error(nil) as something", function()
      local ok, err = pcall(pix.run, function() error(nil) end)
      assert.is_false(ok)
      assert.matches("error%(nil%)", err)
    end)

    it("raises the error of a task that nobody awaited", function()
      pix.on_error(nil)
      local stderr = io.stderr
      local ok, err = pcall(pix.run, function()
        pix.spawn(function() error("unheard") end)
      end)
      assert.equal(stderr, io.stderr)
      assert.is_false(ok)
      assert.matches("unheard", err)
    end)

    it("does not raise what the program's own handler has heard", function()
      pix.run(function() pix.spawn(function() error("heard") end) end)
      assert.equal(1, #reported)
      assert.matches("heard", reported[1])
    end)

    it("is refused inside a task, with the cure", function()
      pix.run(function()
        local ok, err = pcall(pix.run, function() end)
        assert.is_false(ok)
        assert.matches("pix.spawn", err)
      end)
    end)

    it("can be used again after an error", function()
      pcall(pix.run, function() error("first") end)
      assert.equal(2, pix.run(function() return 2 end))
    end)

    it("wants a function", function()
      assert.error_matches(function() pix.run(42) end, "function was expected, not number")
    end)
  end)

  it("runs ten thousand sleeping tasks", function()
    local ended = 0
    pix.run(function()
      for i = 1, 10000 do
        pix.spawn(function()
          pix.sleep(i % 100)
          ended = ended + 1
        end)
      end
    end)
    assert.equal(10000, ended)
    assert.is_true(t:now() >= 99 and t:now() < 100)
  end)

  it("resumes tasks in the order in which their timers are due", function()
    local order = {}
    pix.run(function()
      for _, seconds in ipairs { 3, 1, 2 } do
        pix.spawn(function()
          pix.sleep(seconds)
          order[#order + 1] = seconds
        end)
      end
    end)
    assert.same({ 1, 2, 3 }, order)
  end)

  it("lets no task starve when others sleep for no time at all", function()
    local turns = { 0, 0 }
    pix.run(function()
      for i = 1, 2 do
        pix.spawn(function()
          for _ = 1, 5 do
            turns[i] = turns[i] + 1
            assert.is_true(math.abs(turns[1] - turns[2]) <= 1)
            pix.sleep(0)
          end
        end)
      end
    end)
    assert.same({ 5, 5 }, turns)
  end)

  it("keeps a task's error from the other tasks", function()
    local value = pix.run(function()
      local bad = pix.spawn(function() error("isolated") end)
      local good = pix.spawn(function()
        pix.sleep(1)
        return "fine"
      end)
      local ok, err = pcall(bad.await, bad)
      assert.is_false(ok)
      assert.matches("isolated", err)
      return good:await()
    end)
    assert.equal("fine", value)
    assert.same({}, reported)
  end)

  it("wakes both tasks that await one future", function()
    local woken = {}
    pix.run(function()
      local timer = core.timer(2)
      for i = 1, 2 do
        pix.spawn(function() woken[i] = pix.await(timer) end)
      end
    end)
    assert.same({ true, true }, woken)
  end)

  it("waits inside pcall", function()
    assert.equal("after", pix.run(function()
      local ok, value = pcall(function()
        pix.sleep(1)
        return "after"
      end)
      return ok and value
    end))
  end)

  it("survives a future that is collected while it is under way", function()
    pix.run(function()
      for _ = 1, 100 do
        core.timer(1)
      end
      collectgarbage()
      collectgarbage()
      assert.is_true(pix.sleep(2))
    end)
    collectgarbage()
  end)

  it("fails a task that yields by itself, and says what to do", function()
    local ok, err = pcall(pix.run, function() coroutine.yield() end)
    assert.is_false(ok)
    assert.matches("pix.sleep%(0%)", err)
  end)

  it("names cause and cure when a wait comes through a C function", function()
    pix.run(function()
      local ok, err = pcall(table.sort, { 3, 2, 1 }, function(a, b)
        pix.sleep(1)
        return a < b
      end)
      assert.is_false(ok)
      assert.matches("table.sort", err)
      assert.matches("cannot wait here", err)
    end)
  end)

  it("sends nothing when it cannot wait", function()
    local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
    pix.run(function()
      pcall(table.sort, { 2, 1 }, function() return ssg:charge { amount = 100 } end)
    end)
    assert.equal(0, #t:requests())
  end)

  it("blocks in a private coroutine inside a task, without losing what others wait for", function()
    local seen = {}
    pix.run(function()
      local other = pix.spawn(function()
        pix.sleep(1)
        seen[#seen + 1] = "other"
      end)
      for value in coroutine.wrap(function()
        for i = 1, 3 do
          pix.sleep(1)
          coroutine.yield(i)
        end
      end) do
        seen[#seen + 1] = value
      end
      other:await()
    end)
    assert.same({ 1, 2, 3, "other" }, seen)
  end)

  it("lets a private coroutine wait for another task without a deadlock", function()
    assert.equal("result", pix.run(function()
      local task = pix.spawn(function()
        pix.sleep(1)
        return "result"
      end)
      return coroutine.wrap(function() return task:await() end)()
    end))
  end)

  it("complains when tasks wait for each other for ever", function()
    local ok, err = pcall(pix.run, function()
      local second
      local first = pix.spawn(function()
        pix.sleep(1)
        second:await()
      end)
      second = pix.spawn(function() first:await() end)
    end)
    assert.is_false(ok)
    assert.matches("nothing can move", err)
    assert.matches("waits for task at .-scheduler_spec.lua:%d+", err)
  end)

  it("begins afresh after it was left by force", function()
    pcall(pix.run, function() core.promise() pix.await(core.promise()) end)
    assert.equal("fresh", pix.run(function() return "fresh" end))
  end)

  describe("task:cancel", function()
    it("ends a sleep with an error of kind cancelled", function()
      local value, err
      pix.run(function()
        local task = pix.spawn(function() value, err = pix.sleep(100) end)
        pix.sleep(1)
        task:cancel()
        task:await()
      end)
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      assert.is_true(t:now() < 2)
    end)

    it("keeps a task that has not begun from beginning", function()
      local begun = false
      local value, err = pix.run(function()
        local task = pix.spawn(function() begun = true end)
        task:cancel()
        return task:await()
      end)
      assert.is_false(begun)
      assert.is_nil(value)
      assert.equal("cancelled", err.kind)
      assert.equal("no", err.sent)
    end)

    it("is delivered once, so that the task can clean up and wait meanwhile", function()
      local steps = {}
      pix.run(function()
        local task = pix.spawn(function()
          steps[1] = pix.sleep(100) == nil
          steps[2] = pix.sleep(1)
        end)
        pix.sleep(1)
        task:cancel()
      end)
      assert.same({ true, true }, steps)
    end)

    it("reaches a task that waits for another one, which goes on", function()
      local inner_ended
      pix.run(function()
        local inner = pix.spawn(function()
          pix.sleep(10)
          inner_ended = true
        end)
        local outer = pix.spawn(function()
          local _, err = inner:await()
          assert.equal("cancelled", err.kind)
        end)
        pix.sleep(1)
        outer:cancel()
        outer:await()
        assert.is_nil(inner_ended)
      end)
      assert.is_true(inner_ended)
    end)

    it("leaves a future alone that another task waits for", function()
      local other
      pix.run(function()
        local timer = core.timer(5)
        local first = pix.spawn(function() return pix.await(timer) end)
        pix.spawn(function() other = pix.await(timer) end)
        pix.sleep(1)
        first:cancel()
        local _, err = first:await()
        assert.equal("cancelled", err.kind)
      end)
      assert.is_true(other)
    end)

    it("starts nothing new in a task that was cancelled before its next wait", function()
      local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
      local err
      pix.run(function()
        local task
        task = pix.spawn(function()
          task:cancel()
          local _
          _, err = ssg:charge { amount = 100 }
        end)
      end)
      assert.equal("cancelled", err.kind)
      assert.equal("no", err.sent)
      assert.equal(0, #t:requests())
    end)

    it("does nothing to a task that has ended", function()
      assert.equal(7, pix.run(function()
        local task = pix.spawn(function() return 7 end)
        task:await()
        task:cancel()
        return task:await()
      end))
    end)
  end)

  describe("pix.update", function()
    it("leaves to the next call what does not fit into its budget", function()
      local order = {}
      for i = 1, 3 do
        pix.spawn(function()
          order[#order + 1] = i
          pix.sleep(1)
          order[#order + 1] = -i
        end)
      end
      for i = 1, 3 do
        assert.equal(3, pix.update(0, 0))
        assert.same(i, #order)
      end
      core.reactor():advance(1)
      local left, calls = 3, 0
      while left > 0 do
        left, calls = pix.update(0, 0), calls + 1
        assert.is_true(#order <= 3 + calls)
      end
      assert.same({ 1, 2, 3, -1, -2, -3 }, order)
    end)

    it("does not begin what would end after its budget, once it knows what a step takes", function()
      local begun = 0
      for _ = 1, 6 do
        pix.spawn(function()
          begun = begun + 1
          core.reactor():advance(0.03) -- so long does this step take
        end)
      end
      pix.update(0, 0.07)
      assert.equal(2, begun)
      pix.update(0, 0.07)
      assert.equal(4, begun)
      pix.update(0, 0.01) -- one step is always taken
      assert.equal(5, begun)
      assert.equal(0, pix.update(0, 0.07))
    end)

    it("refuses a budget that is no number of seconds", function()
      assert.error_matches(function() pix.update(0, -1) end, "budget")
      assert.error_matches(function() pix.update "1" end, "time to wait")
    end)

    it("begins tasks, and never lets time pass", function()
      local steps = {}
      pix.spawn(function()
        steps[#steps + 1] = "begun"
        pix.sleep(1)
        steps[#steps + 1] = "slept"
      end)
      assert.equal(1, pix.update())
      assert.equal(1, pix.update())
      assert.same({ "begun" }, steps)
      t:advance(1)
      assert.equal(0, pix.update())
      assert.same({ "begun", "slept" }, steps)
    end)

    it("keeps a task's error from the frame, and reports it", function()
      pix.spawn(function() error("in a frame") end)
      assert.equal(0, pix.update())
      assert.matches("in a frame", reported[1])
    end)

    it("survives a handler that fails itself", function()
      local stderr = {}
      local real = io.stderr
      io.stderr = { write = function(_, ...) stderr[#stderr + 1] = table.concat { ... } end } -- luacheck: ignore
      pix.on_error(function() error("handler") end)
      pix.spawn(function() error("task") end)
      local ok = pcall(pix.update)
      io.stderr = real -- luacheck: ignore
      assert.is_true(ok)
      assert.matches("handler", stderr[1])
      assert.matches("task", stderr[2])
    end)

    it("is refused inside a task", function()
      pix.run(function()
        assert.error_matches(function() pix.update() end, "own loop")
      end)
    end)
  end)
end)

describe("Ctrl-C", function()
  -- Runs a program that interrupts itself while it waits; what it printed.
  local function interrupted(wait)
    local first = 0
    while arg[first - 1] do
      first = first - 1
    end
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write([[
      local pix = require "pix"
      local ok, err = pcall(function()
        io.popen("(sleep 0.1; kill -INT $PPID) >/dev/null 2>&1 &"):close()
        ]] .. wait .. [[
      end)
      print(ok, tostring(err):match "interrupted!" or err)
      print(pix.run(function() return pix.sleep(0) end))
    ]])
    file:close()
    local child = assert(io.popen(arg[first] .. " " .. name .. " 2>&1"))
    local printed = child:read "*a"
    child:close()
    os.remove(name)
    return printed
  end

  it("leaves pix.run, which can then be used for what is to be cleaned up", function()
    assert.equal("false\tinterrupted!\ntrue\n",
      interrupted "pix.run(function() pix.spawn(pix.sleep, 50) pix.sleep(100) end)")
  end)

  it("leaves a blocking wait", function()
    assert.equal("false\tinterrupted!\ntrue\n", interrupted "pix.sleep(100)")
  end)
end)
