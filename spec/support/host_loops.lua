--- How a spec runs each host. Per host: `run(f, done)` runs f in a coroutine of the host until it
-- has returned, or stop(done) was called in it, then done(); `beat(f)` calls f again and again by
-- the host's own means while it returns true; `use` is for pix.use; `outside(c)` is asked before
-- the loop runs; `cases` are the host's own.
local pix = require "pix"

local M = {}

-- A call that is made before the loop runs blocks, and brings a result.
local function blocks_outside(c)
  assert(c.ssg:charge { amount = 1990 })
  assert(pix.run(function() return pix.sleep(0.001) end))
end

-- In virtual time there is nothing that another loop could wait for.
local function virtual_time()
  local t = pix.testing.start()
  local task = pix.spawn(function() return pix.sleep(86400) end)
  local slept = pix.sleep(3600)
  assert(slept and task:await() and t:now() >= 86400)
  t:stop()
end

local VIRTUAL = { "takes no time under pix.testing", virtual_time }

local function beat_in_tasks(f)
  pix.spawn(function()
    while f() do pix.sleep(0.001) end
  end)
end

-- A coroutine that something else resumes while it waits must hear of it.
local function resumed_by_another(spawn)
  return function()
    local co, ok, err
    spawn(function()
      co = coroutine.running()
      ok, err = pcall(pix.sleep, 60)
    end)
    pix.sleep(0.001)
    coroutine.resume(co)
    pix.sleep(0.001)
    assert(ok == false and err:find("something else resumed", 1, true), err)
  end
end

M.scheduler = {
  beat = beat_in_tasks,
  stop = function(done)
    done()
    os.exit(0, true)
  end,
  run = function(f, done)
    pix.run(f)
    done()
  end,
}

-- A program with a loop of its own: pix.update(timeout) and nothing else.
local stopped = false
M.update = {
  beat = beat_in_tasks,
  stop = function() stopped = true end,
  run = function(f, done)
    local task = pix.spawn(f)
    while not stopped and not task:done() do pix.update(1) end
    done()
  end,
}

M.blocking = {
  blocks = true,
  beat = beat_in_tasks,
  stop = function() end,
  run = function(f, done)
    f()
    done()
  end,
}

local function luv()
  local uv = require "luv"

  local function beat(f)
    local timer = uv.new_timer()
    timer:start(1, 1, function()
      if not f() then timer:close() end
    end)
  end

  local function refuses_in_callback(c)
    local timer, promise = uv.new_timer(), require("pix.core").promise()
    timer:start(1, 0, function()
      timer:close()
      local ok, err = pcall(c.ssg.charge, c.ssg, { amount = 100 })
      local task = pix.spawn(function() return pix.sleep(0.001) end)
      promise:fulfil { ok = ok, err = err, task = task }
    end)
    local got = pix.await(promise)
    assert(not got.ok and got.err:find("pix.spawn", 1, true), got.err)
    assert(got.task:await() == true)
  end

  local function raises_alone()
    local heard
    pix.on_error(function(err) heard = err end)
    coroutine.wrap(function()
      pix.sleep(0.001)
      error "in a coroutine of the program's own"
    end)()
    while not heard do pix.sleep(0.001) end
    pix.on_error(nil)
    assert(heard:find("in a coroutine of the program's own", 1, true))
  end

  -- luv copies a userdata's bytes to another thread's state: a copy must be good for nothing. What
  -- an async has not delivered is replaced by what is sent next, so each object has its own; the
  -- bytes are copied when it is delivered, so the thread stays until then.
  local function objects_stay()
    local got, asyncs, count, pipe = {}, {}, 0, uv.pipe()
    local done = require("pix.core").promise()
    for i = 1, 4 do
      asyncs[i] = uv.new_async(function(object)
        got[i], count = { object, getmetatable(object) }, count + 1 -- luv undresses it later
        asyncs[i]:close()
        if count == 4 then done:fulfil(true) end
      end)
    end
    local thread = uv.new_thread(function(path, cpath, fd, ...)
      package.path, package.cpath = path, cpath
      local core, inside = require "pix.core", require "pix"
      local objects = { core.timer(60), core.reactor(),
        inside.payzu { api_key = "k", webhook_url = "https://shop.example/hook" },
        inside.card { number = "4111111111111111", cvv = "123", expiry = "12/2099",
          holder = "MARIA" } }
      for i, async in ipairs { ... } do async:send(objects[i]) end
      require("luv").fs_read(fd, 1)
    end, package.path, package.cpath, pipe.read, asyncs[1], asyncs[2], asyncs[3], asyncs[4])
    assert(pix.await(done, 60))
    uv.fs_write(pipe.write, "x")
    thread:join()
    for i = 1, 4 do
      assert(type(got[i][1]) == "userdata" and got[i][2] == nil, i)
    end
    local ok, err = pcall(pix.await, got[1][1])
    assert(not ok and err:find("belong to the Lua state that made them", 1, true), err)
  end

  return {
    use = "luv", outside = blocks_outside, beat = beat,
    stop = function() uv.stop() end,
    run = function(f, done)
      coroutine.wrap(f)()
      uv.run() -- ends by itself when nobody waits
      done()
    end,
    cases = {
      VIRTUAL,
      { "refuses to wait in a callback, where a task may begin", refuses_in_callback },
      { "tells of an error in a coroutine of the program's own", raises_alone },
      { "notices that something else resumed who waits",
        resumed_by_another(function(f) coroutine.wrap(f)() end) },
      { "lets no object of its own be used in another thread", objects_stay },
    },
  }
end

-- Copas 1.1.7 knows sockets only: two of them talk to each other.
local function copas_beat(copas, f)
  local socket = require "socket"
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  copas.addserver(server, function(client)
    while copas.receive(client, "*l") do copas.send(client, "pong\n") end
  end)
  copas.addthread(function()
    local client = assert(socket.tcp())
    assert(copas.connect(client, "127.0.0.1", port))
    repeat
      assert(copas.send(client, "ping\n"))
      assert(copas.receive(client, "*l") == "pong")
    until not f()
    client:close()
  end)
end

local function copas()
  local copas_module = require "copas"
  local left
  return {
    use = "copas", outside = blocks_outside, cases = { VIRTUAL },
    beat = function(f) copas_beat(copas_module, f) end,
    stop = function() left = true end,
    run = function(f, done)
      copas_module.addthread(function()
        f()
        left = true
      end)
      while not left do copas_module.step() end
      done()
    end,
  }
end

local function cqueues()
  local cqueues_module = require "cqueues"
  local left

  local function beat(f)
    cqueues_module.running():wrap(function()
      while f() do cqueues_module.sleep(0.001) end
    end)
  end

  local function private_coroutine(c)
    local charge = coroutine.wrap(function() return c.ssg:charge { amount = 100 } end)()
    assert(charge.amount == 100)
  end

  local function another_queue()
    local inner, slept = cqueues_module.new(), nil
    inner:wrap(function() slept = pix.sleep(0.001) end)
    assert(inner:loop())
    assert(slept == true)
  end

  return {
    outside = blocks_outside, beat = beat,
    stop = function()
      left = true
      cqueues_module.sleep(0)
    end,
    run = function(f, done)
      local queue = cqueues_module.new()
      queue:wrap(f)
      while not left and not queue:empty() do assert(queue:step()) end
      done()
    end,
    cases = {
      VIRTUAL,
      { "blocks in a private coroutine", private_coroutine },
      { "waits in a queue inside a queue", another_queue },
    },
  }
end

local function love_game()
  local frames = {}

  local function refuses_in_a_frame(c)
    local got
    frames[#frames + 1] = function()
      local ok, err = pcall(c.ssg.charge, c.ssg, { amount = 100 })
      got = not ok and err
    end
    while got == nil do pix.sleep(0.001) end
    assert(got and got:find("freeze", 1, true), got)
  end

  local function thread_hands_over(c)
    local thread = love.thread.newThread "thread.lua"
    local channel = love.thread.getChannel "charge"
    thread:start(c.sandbox.url.ssg, c.sandbox.credentials.ssg.client_id,
      c.sandbox.credentials.ssg.client_secret, c.sandbox.credentials.ssg.device_code)
    local saved
    repeat
      pix.sleep(0.002)
      assert(not thread:getError(), thread:getError())
      saved = channel:pop()
    until saved
    assert(pix.charge(saved, c.ssg):refresh() == "pending")
  end

  -- LÖVE looks into a foreign userdata for a type of its own.
  local function objects_stay(c)
    local core = require "pix.core"
    local channel = love.thread.getChannel "objects"
    local card = assert(pix.card { number = "4111111111111111", cvv = "123", expiry = "12/2099",
      holder = "MARIA" })
    for _, object in ipairs { core.promise(), c.ssg, core.reactor(), card } do
      local ok, err = pcall(channel.push, channel, object)
      assert(not ok and err:find("expected", 1, true), tostring(err))
    end
  end

  -- Compiling takes longer than the steps of a frame.
  local function compiles_nothing_of_its_own()
    local compiled = {}
    local function note(what, _, f)
      local source = what == "start" and debug.getinfo(f, "S").source or ""
      if source:find("lua/pix", 1, true) then compiled[#compiled + 1] = source end
    end
    jit.attach(note, "trace")
    for _ = 1, 300 do
      assert(pix.await(pix.spawn(function() return pix.sleep(0) end)))
    end
    jit.attach(note)
    assert(#compiled == 0, compiled[1])
  end

  return {
    use = "love",
    outside = function(c)
      local ok, err = pcall(c.ssg.charge, c.ssg, { amount = 100 })
      assert(not ok and err:find("pix.spawn", 1, true), err)
    end,
    beat = function(f) frames[#frames + 1] = f end,
    stop = function() love.event.quit() end,
    run = function(f, done)
      pix.spawn(function()
        f()
        love.event.quit()
      end)
      love.update = function()
        for i = #frames, 1, -1 do
          if not frames[i]() then table.remove(frames, i) end
        end
        pix.update()
      end
      love.quit = function() done() end
    end,
    cases = {
      { "refuses to wait in a frame", refuses_in_a_frame },
      { "waits in a love.thread of its own, which hands its charge over", thread_hands_over },
      { "lets no object of its own cross to another thread", objects_stay },
      { "compiles nothing of its own in a frame", compiles_nothing_of_its_own },
    },
  }
end

-- The host that docs/hosts.md shows. Its last two lines are a use of it.
local function documented()
  local file = assert(io.open "docs/hosts.md")
  local text = file:read("*a"):match "```lua\n(.-)\npix.spawn[^\n]*\nhost.run%(%)\n```"
  file:close()
  local host = assert((loadstring or load)(text .. "\nreturn host", "=docs/hosts.md"))()
  return {
    blocks = true, -- it does not ask whether a C function is in the way
    outside = blocks_outside, beat = beat_in_tasks, cases = { VIRTUAL },
    stop = function(done)
      done()
      os.exit(0, true)
    end,
    run = function(f, done)
      host.spawn(f)
      host.run()
      done()
    end,
  }
end

local MAKERS = {
  documented = documented, luv = luv, copas = copas, cqueues = cqueues, love = love_game }

return setmetatable(M, { __index = function(_, name) return MAKERS[name] and MAKERS[name]() end })
