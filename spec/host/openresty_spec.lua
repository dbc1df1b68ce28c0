local nginx = require "spec.support.nginx"
local openresty = require "spec.support.openresty"
local sandbox = require "pix.sandbox"

local CHARGE = "ngx.say(shown(ssg:charge { amount = 1990 }))"
local UUID = "^%x+%-%x+%-%x+%-%x+%-%x+\n$"

local function count_in(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

describe("pix.host.openresty", function()
  local sb, ng

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    ng = nil
  end)
  after_each(function()
    if ng then ng:stop() end
  end)

  local function start(options)
    ng = openresty.start(sb, options)
    return ng
  end

  -- The body of one request, which must have been answered by 200.
  local function get(path)
    local reply = ng:request(path)
    assert.are.equal(200, reply.status, reply.body .. ng:errors())
    return reply.body
  end

  local function check_log()
    local log = ng:errors()
    assert.is_nil(log:find("exited on signal", 1, true), log)
    assert.is_nil(log:find("[alert]", 1, true), log)
    assert.is_nil(log:find("[error]", 1, true), log)
  end

  describe("phases", function()
    it("waits in content, access, rewrite and a timer", function()
      start { http = "lua_shared_dict box 1m;", server = [[
        location = /rewrite {
          rewrite_by_lua_block { ngx.ctx.id = shown(ssg:charge { amount = 1990 }) }
          content_by_lua_block { ngx.say(ngx.ctx.id) }
        }
        location = /access {
          access_by_lua_block { ngx.ctx.id = shown(ssg:charge { amount = 1990 }) }
          content_by_lua_block { ngx.say(ngx.ctx.id) }
        } ]], locations = { content = CHARGE, timer = [[
          ngx.timer.at(0, function()
            ngx.shared.box:set("id", shown(ssg:charge { amount = 1990 }))
          end)
          while not ngx.shared.box:get("id") do ngx.sleep(0.01) end
          ngx.say(ngx.shared.box:get("id")) ]] } }
      for _, phase in ipairs { "content", "access", "rewrite", "timer" } do
        assert.truthy(get("/" .. phase):find(UUID), phase)
      end
      assert.are.equal(4, #sb.ledger().charges)
      check_log()
    end)

    it("blocks in init_by_lua, and the workers start a reactor of their own", function()
      start { workers = 2, init = "id = shown(ssg:charge { amount = 1990 })",
        locations = { init = "ngx.say(id)", charge = CHARGE } }
      assert.truthy(get("/init"):find(UUID))
      for _ = 1, 4 do assert.truthy(get("/charge"):find(UUID)) end
      check_log()
    end)

    it("says what to do in phases that cannot wait, before anything is sent", function()
      start { http = [[
        lua_shared_dict box 1m;
        init_worker_by_lua_block { ngx.shared.box:set("init_worker", why()) } ]],
        init = [[ function why()
          local ok, err = pcall(ssg.charge, ssg, { amount = 1990 })
          return tostring(not ok and err)
        end ]],
        server = [[
        location = /set { set_by_lua_block $why { return why() } return 200 $why; }
        location = /header { return 200 "x";
          header_filter_by_lua_block { ngx.header["X-Why"] = why() } }
        location = /log { return 200 "x";
          log_by_lua_block { ngx.shared.box:set("log", why()) } } ]],
        locations = { box = [[ ngx.say(ngx.shared.box:get(ngx.var.arg_key)) ]] } }
      assert.truthy(get("/box?key=init_worker"):find("phase init_worker: start a timer", 1, true))
      assert.truthy(get("/set"):find("phase set: use rewrite_by_lua", 1, true))
      local head = ng:request("/header").head
      assert.truthy(head:find("phase header_filter: call pix in an earlier", 1, true), head)
      get("/log")
      assert.truthy(get("/box?key=log"):find("phase log: start a timer", 1, true))
      assert.are.equal(0, #sb.ledger().charges)
    end)

    it("refuses pix.run, and a wait inside a C function's callback", function()
      start { locations = { run = [[
          ngx.say(shown(pcall(pix.run, function() return pix.sleep(0) end))) ]],
        sort = [[ ngx.say(shown(pcall(table.sort, { 2, 1 }, function(a, b)
          pix.sleep(0) return a < b end)))
          ngx.say(shown(ssg:charge { amount = 1990 })) ]] } }
      assert.truthy(get("/run"):find("^false .*a request is a task already"))
      local refused, id = get("/sort"):match("^(.-)\n(.*)$")
      assert.truthy(refused:find("^false .*wait after it has returned"))
      assert.truthy(id:find(UUID))
    end)
  end)

  describe("waiting in a request", function()
    it("sleeps, spawns light threads, and awaits one future from two of them", function()
      start { locations = {
        sleep = "ngx.say(shown(pix.sleep(0.01)))",
        spawn = [[
          local seen = {}
          local task = pix.spawn(function(n)
            pix.sleep(0.01) seen[#seen + 1] = n return n * 2 end, 21)
          seen[#seen + 1] = "first"
          ngx.say(shown(task:await()), " ", table.concat(seen, ",")) ]],
        two = [[
          local future = ssg:start("charge", { amount = 1990 })
          local a = pix.spawn(function() return pix.await(future).id end)
          local b = pix.spawn(function() return pix.await(future).id end)
          ngx.say(a:await() == b:await() and "same") ]],
        all = [[
          local list = {}
          for i = 1, 20 do list[i] = ssg:start("charge", { amount = 100 + i }) end
          list[21] = function() pix.sleep(0.01) return "slept" end
          local results, errors = pix.all(list)
          ngx.say(results.n, " ", results[21], " ", results[7].id == results[8].id, " ",
            tostring(errors)) ]],
        any = [[
          local late = pix.spawn(function() pix.sleep(20) end)
          ngx.say((pix.any { function() pix.sleep(10) end,
            function() pix.sleep(0.01) return "early" end }))
          ngx.exit(200) ]],
        loser = [[
          local task = pix.spawn(function() error("a defect") end)
          local ok, err = pcall(task.await, task)
          ngx.say(shown(ok, err)) ]],
      } }
      assert.are.equal("true\n", get("/sleep"))
      assert.are.equal("42 first,21\n", get("/spawn"))
      assert.are.equal("same\n", get("/two"))
      assert.are.equal("21 slept false nil\n", get("/all"))
      assert.are.equal("early\n", get("/any"))
      assert.truthy(get("/loser"):find("^false .*a defect"))
      check_log()
    end)

    it("gives up when a timeout is over, and the call goes on", function()
      sb.fault { provider = "ssg", operation = "charge", delay = 600 }
      start { http = "lua_shared_dict box 1m;", locations = {
        wait = [[
          local future = ssg:start("charge", { amount = 1990 })
          local value, err = pix.await(future, 0.05)
          ngx.shared.box:set("given up", true)
          ngx.say(shown(value), " ", err.kind, " ", err.sent)
          ngx.say(shown(pix.await(future))) ]],
        given_up = [[ ngx.print(tostring(ngx.shared.box:get("given up"))) ]] } }
      local replies = ng:all({ "/wait" }, function()
        nginx.eventually("it gives up", function() return get("/given_up") == "true" end)
        nginx.eventually("the charge is in flight", function()
          return sb.count { provider = "ssg", operation = "charge" } == 1
        end)
        sb.clear_faults()
      end)
      local first, second = replies[1].body:match("^(.-)\n(.*)$")
      assert.are.equal("nil timeout maybe", first)
      assert.truthy(second:find(UUID))
      check_log()
    end)

    it("passes an error of a provider to that request only", function()
      sb.fault { provider = "ssg", operation = "charge", status = 500, times = 3 }
      start { locations = { charge = "ngx.say(shown(ssg:charge { amount = 1990 }))",
        defect = "ssg:charge { amount = 1990 } error('of this request')" } }
      local paths = {}
      for i = 1, 30 do paths[i] = i % 3 == 0 and "/defect" or "/charge" end
      local good, bad, defects = 0, 0, 0
      for i, reply in ipairs(ng:all(paths)) do
        if i % 3 == 0 then
          defects = defects + (reply.status == 500 and 1 or 0)
        elseif reply.body:find(UUID) then
          good = good + 1
        elseif reply.body:find("unavailable", 1, true) then
          bad = bad + 1
        end
      end
      assert.are.equal(10, defects)
      assert.are.equal(20, good + bad)
      assert.is_true(bad <= 3)
      assert.truthy(get("/charge"):find(UUID))
    end)

    it("serves 1,000 requests at once, each with an answer of its own", function()
      start { locations = { charge = [[
        local charge = assert(ssg:charge { amount = tonumber(ngx.var.arg_amount) })
        ngx.say(charge.id, " ", charge.amount) ]] } }
      local paths, ids = {}, {}
      for i = 1, 1000 do paths[i] = "/charge?amount=" .. 100 + i end
      for i, reply in ipairs(ng:all(paths)) do
        local id, amount = reply.body:match("^(%S+) (%d+)\n$")
        assert.are.equal(tostring(100 + i), amount, reply.body)
        assert.is_nil(ids[id])
        ids[id] = true
      end
      assert.are.equal(1000, #sb.ledger().charges)
      check_log()
    end)

    it("answers others while 256 checkouts wait for a provider that hangs", function()
      sb.fault { provider = "ssg", operation = "charge", hang = true, times = "always" }
      start { locations = { charge = CHARGE } }
      local paths, pings = {}, {}
      for i = 1, 256 do paths[i] = "/charge" end
      local replies = ng:all(paths, function()
        nginx.eventually("all are in flight", function()
          return sb.count { provider = "ssg", operation = "charge" } == 256
        end)
        for i = 1, 20 do pings[i] = ng:request("/ping").body end
        ng:signal("TERM")
      end)
      assert.are.equal(("pong\n"):rep(20), table.concat(pings))
      for _, reply in ipairs(replies) do assert.are.equal("", reply.body) end
    end)

    it("goes on when nginx has no timer left for the dispatcher", function()
      start { http = "lua_max_running_timers 1; lua_max_pending_timers 1;", locations = {
        charge = CHARGE, hog = [[ ngx.say(shown(ngx.timer.at(0, function() ngx.sleep(60) end))) ]],
      } }
      assert.are.equal("1\n", get("/hog"))
      assert.truthy(get("/charge"):find(UUID))
      assert.truthy(get("/charge"):find(UUID))
      ng:quit("TERM")
    end)
  end)

  describe("a client that goes away", function()
    it("ends its own wait and harms nobody", function()
      sb.fault { provider = "payzu", operation = "charge", hang = true, times = "always" }
      sb.fault { provider = "ssg", operation = "charge", delay = 0.3, times = "always" }
      start { providers = { "ssg", "payzu" }, payzu = { webhook_url = "http://127.0.0.1:9/none" },
        http = "lua_check_client_abort on; lua_shared_dict box 1m;", locations = {
          charge = [[ local id = shown(ssg:charge { amount = 1990 })
            ngx.shared.box:incr("after", 1, 0) ngx.say(id) ]],
          hang = [[ ngx.shared.box:incr("begun", 1, 0)
            payzu:charge { amount = 1990 } ngx.shared.box:incr("after", 1, 0) ]],
          sleep = [[ ngx.shared.box:incr("begun", 1, 0)
            pix.sleep(3600) ngx.shared.box:incr("after", 1, 0) ]],
          begun = [[ ngx.say(ngx.shared.box:get("begun") or 0) ]],
          after = [[ ngx.say(ngx.shared.box:get("after") or 0) ]] } }
      -- nginx hears of a client's going only while the request is handled.
      local begun = false
      local function leave()
        begun = begun or get("/begun") == "20\n"
        return begun
      end
      local requests = {}
      for i = 1, 30 do
        requests[i] = i % 3 == 0 and "/charge"
          or { path = i % 3 == 1 and "/hang" or "/sleep", leave = leave }
      end
      for i, reply in ipairs(ng:all(requests)) do
        if i % 3 == 0 then assert.truthy(reply.body:find(UUID), reply.body) end
      end
      nginx.eventually("nginx sees that they have gone", function()
        return count_in(ng:errors(), "client prematurely closed connection") == 20
      end)
      sb.clear_faults() -- whoever waited still would now go on
      assert.truthy(get("/charge"):find(UUID))
      assert.are.equal("11\n", get("/after"))
      check_log()
      ng:quit() -- the sleepers of an hour do not hold it up
      assert.are.equal("", ng:leftovers())
    end)
  end)

  describe("reload and shutdown", function()
    it("loses nothing through six reloads with requests in flight, and leaves nothing", function()
      sb.fault { provider = "ssg", operation = "charge", delay = 0.15, times = "always" }
      start { workers = 2, locations = { charge = CHARGE } }
      local replies = {}
      for round = 1, 6 do
        local before = ng:workers()
        local paths = {}
        for i = 1, 20 do paths[i] = "/charge" end
        local batch = ng:all(paths, function()
          nginx.eventually("requests are in flight", function()
            return sb.count { provider = "ssg", operation = "charge" } >= (round - 1) * 20 + 5
          end)
          ng:signal("HUP")
        end)
        for _, reply in ipairs(batch) do replies[#replies + 1] = reply end
        nginx.eventually("new workers replace the old", function()
          local now = {}
          for _, pid in ipairs(ng:workers()) do now[pid] = true end
          return next(now) and not now[before[1]] and not now[before[2]]
        end)
      end
      for _, reply in ipairs(replies) do assert.truthy(reply.body:find(UUID), reply.body) end
      assert.are.equal(120, #sb.ledger().charges)
      ng:quit()
      check_log()
      assert.are.equal("", ng:leftovers())
    end)

    it("answers what is in flight before it quits", function()
      sb.fault { provider = "ssg", operation = "charge", delay = 0.3, times = "always" }
      start { locations = { charge = CHARGE } }
      local paths = {}
      for i = 1, 50 do paths[i] = "/charge" end
      local replies = ng:all(paths, function()
        nginx.eventually("all are in flight", function()
          return sb.count { provider = "ssg", operation = "charge" } == 50
        end)
        ng:signal("QUIT")
      end)
      for _, reply in ipairs(replies) do assert.truthy(reply.body:find(UUID), reply.body) end
      ng:quit()
      check_log()
      assert.are.equal("", ng:leftovers())
    end)

    -- The worker itself is told: the master would kill one that takes longer than a second or two.
    it("ends at once when told to, with requests in flight, and leaves nothing", function()
      sb.fault { provider = "ssg", operation = "charge", hang = true, times = "always" }
      start { locations = { charge = CHARGE, worker = "ngx.say(ngx.worker.pid())" } }
      local worker = tonumber(get("/worker"))
      local paths = {}
      for i = 1, 20 do paths[i] = "/charge" end
      local replies = ng:all(paths, function()
        nginx.eventually("all are in flight", function()
          return sb.count { provider = "ssg", operation = "charge" } == 20
        end)
        ng:signal("TERM", worker)
      end)
      for _, reply in ipairs(replies) do assert.are.equal("", reply.body) end
      nginx.eventually("the master has seen it end in order", function()
        return ng:errors():find(("worker process %d exited with code 0"):format(worker), 1, true)
      end)
      assert.are.equal("", ng:leftovers())
    end)
  end)

  it("works with lua_code_cache off", function()
    start { http = "lua_code_cache off;", locations = { charge = CHARGE,
      spawn = [[ ngx.say(shown(pix.spawn(function()
        return ssg:charge { amount = 1990 } end):await())) ]] } }
    for _ = 1, 5 do
      assert.truthy(get("/charge"):find(UUID))
      assert.truthy(get("/spawn"):find(UUID))
    end
    nginx.eventually("the reactors end with their states", function()
      return ng:leftovers() == ""
    end)
    ng:quit()
    assert.are.equal(0, count_in(ng:errors(), "exited on signal"))
  end)
end)
