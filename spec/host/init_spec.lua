local core = require "pix.core"
local hosts = require "pix.host"
local pix = require "pix"

-- A host as a program would write it: a coroutine at a time, resumed when its future is ready.
local function toy_host()
  local host = { name = "toy", awaited = 0 }
  function host.await(future, seconds)
    host.awaited = host.awaited + 1
    return hosts.blocking.await(future, seconds)
  end
  return host
end

describe("the choice of a host", function()
  local t

  before_each(function() t = pix.testing.start() end)

  after_each(function()
    pix.use(nil)
    t:stop()
  end)

  it("is blocking outside tasks and the scheduler inside", function()
    assert.equal(hosts.blocking, hosts.current())
    pix.run(function()
      assert.equal(hosts.scheduler, hosts.current())
      coroutine.wrap(function() assert.equal(hosts.blocking, hosts.current()) end)()
    end)
  end)

  it("takes a table with await, and returns the former choice", function()
    local host = toy_host()
    assert.is_nil(pix.use(host))
    pix.sleep(1)
    assert.equal(1, host.awaited)
    assert.equal(host, pix.use(nil))
  end)

  it("asks the host whether it is active here", function()
    local host = toy_host()
    host.active = function() return false end
    pix.use(host)
    assert.equal(hosts.blocking, hosts.current())
  end)

  it("lets a host with await alone do any and all", function()
    pix.use(toy_host())
    local value, place = pix.any { core.timer(5), core.timer(1) }
    assert.is_true(value)
    assert.equal(2, place)
    assert.same({ true, true, n = 2 }, (pix.all { core.timer(1), core.timer(2) }))
  end)

  it("gives a list to a host that can wait for the first of several", function()
    local host, asked = toy_host(), nil
    host.await_any = function(list, seconds)
      asked = #list
      return hosts.blocking.await_any(list, seconds)
    end
    pix.use(host)
    pix.any { core.timer(5), core.timer(1), core.timer(9) }
    assert.equal(3, asked)
  end)

  it("starts tasks through the host's spawn", function()
    local host = toy_host()
    host.spawn = function(f) coroutine.wrap(f)() end
    pix.use(host)
    assert.equal("value", pix.spawn(function(v)
      pix.sleep(1)
      return v
    end, "value"):await())
    pix.on_error(function() end)
    local failing = pix.spawn(function() error("in a guest") end)
    assert.error_matches(function() failing:await() end, "in a guest")
  end)

  -- A host with coroutines of its own; `run` goes round until all of them have ended.
  local function looping_host()
    local host, ready = { name = "loop" }, {}
    function host.spawn(f) ready[#ready + 1] = coroutine.create(f) end
    function host.active() return coroutine.isyieldable() end
    function host.await(future, seconds)
      local timer = seconds and core.timer(seconds)
      while not future:ready() do
        if timer and timer:ready() then return false end
        coroutine.yield()
      end
      return true
    end
    function host.run()
      while #ready > 0 do
        for i = #ready, 1, -1 do
          assert(coroutine.resume(ready[i]))
          if coroutine.status(ready[i]) == "dead" then table.remove(ready, i) end
        end
        if hosts.pump.drain() == 0 and #ready > 0 then pcall(hosts.pump.idle) end
      end
    end
    return host
  end

  describe("a task in another host", function()
    local host

    -- Runs a function as a task of the host, from outside.
    local function run(f)
      pix.use(host)
      local active = host.active
      host.active = function() return true end
      local task = pix.spawn(f)
      host.active = active
      host.run()
      return task:result()
    end

    before_each(function() host = looping_host() end)

    it("waits for futures, tasks, and several of them", function()
      assert.equal("b", run(function()
        pix.sleep(1)
        local task = pix.spawn(function()
          pix.sleep(2)
          return "a"
        end)
        assert.equal("a", task:await())
        assert.equal("timeout", select(2, pix.await(core.timer(9), 1)).kind)
        return (pix.any { core.promise(), function()
          pix.sleep(1)
          return "b"
        end })
      end))
    end)

    it("is cancelled in a sleep, once", function()
      local steps = {}
      run(function()
        local task = pix.spawn(function()
          steps[1] = select(2, pix.sleep(100)).kind
          steps[2] = pix.sleep(1)
        end)
        pix.sleep(1)
        task:cancel()
        task:await()
      end)
      assert.same({ "cancelled", true }, steps)
      assert.is_true(t:now() < 10)
    end)

    it("is cancelled while it waits for another task, which goes on", function()
      local ended, kind
      run(function()
        local inner = pix.spawn(function() ended = pix.sleep(5) end)
        local outer = pix.spawn(function() kind = select(2, inner:await()).kind end)
        pix.sleep(1)
        outer:cancel()
        outer:await()
        assert.is_nil(ended)
      end)
      assert.equal("cancelled", kind)
      assert.is_true(ended)
    end)

    it("is cancelled while it waits for the first of several", function()
      local kind
      run(function()
        local task = pix.spawn(function()
          kind = select(2, pix.any { core.timer(100), core.timer(200) }).kind
        end)
        pix.sleep(1)
        task:cancel()
      end)
      assert.equal("cancelled", kind)
    end)

    it("begins nothing once it is cancelled", function()
      local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
      local err
      run(function()
        local task
        task = pix.spawn(function()
          task:cancel()
          err = select(2, ssg:charge { amount = 100 })
        end)
      end)
      assert.equal("cancelled", err.kind)
      assert.equal("no", err.sent)
      assert.equal(0, #t:requests())
    end)

    it("reports its error when nobody awaits it", function()
      local heard
      pix.on_error(function(err) heard = err end)
      run(function()
        pix.spawn(function() error("in a guest") end)
      end)
      assert.matches("in a guest", heard)
    end)
  end)

  it("says so when the host cannot start tasks", function()
    pix.use(toy_host())
    assert.error_matches(function() pix.spawn(function() end) end, "toy has no spawn")
  end)

  it("names a host that is not there, and what to give instead", function()
    assert.error_matches(function() pix.use "nowhere" end, "no host \"nowhere\"")
    assert.error_matches(function() pix.use "nowhere" end, "await%(future, seconds%)")
  end)

  it("raises the error of a host's file that is there but broken", function()
    package.preload["pix.host.broken"] = function() error("broken inside") end
    finally(function() package.preload["pix.host.broken"] = nil end)
    assert.error_matches(function() pix.use "broken" end, "broken inside")
  end)

  it("refuses a table without await and other values", function()
    assert.error_matches(function() pix.use {} end, "await%(future, seconds%)")
    assert.error_matches(function() pix.use(42) end, "name or table")
  end)

  it("takes the built-in ones by their names", function()
    pix.use "blocking"
    assert.equal(hosts.blocking, hosts.current())
  end)

  it("does not block a worker of OpenResty for lack of its adapter", function()
    local name = "pix.host.openresty"
    local loaded, preload = package.loaded[name], package.preload[name]
    package.loaded[name], package.loaded["pix.host"] = nil, nil
    package.preload[name] = function() error("module '" .. name .. "' not found") end
    rawset(_G, "ngx", {})
    finally(function()
      rawset(_G, "ngx", nil)
      package.loaded[name], package.preload[name] = loaded, preload
      package.loaded["pix.host"] = hosts
    end)
    local fresh = require "pix.host"
    assert.are_not.equal(hosts, fresh)
    assert.error_matches(fresh.current, "OpenResty")
  end)

  it("asks cqueues, if it is loaded, whether it runs", function()
    local asked = 0
    local before = package.loaded.cqueues
    package.loaded.cqueues = { running = function() asked = asked + 1 end }
    finally(function() package.loaded.cqueues = before end)
    pix.sleep(1)
    assert.is_true(asked > 0)
  end)
end)
