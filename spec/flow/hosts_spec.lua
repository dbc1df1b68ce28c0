-- One flow file, four hosts: examples/flows/coffee.flow.lua as it is, in plain Lua, on copas, in
-- OpenResty - and in LÖVE, which spec/kiosk_spec.lua shows.
local live = require "spec.support.live"
local nginx = require "spec.support.nginx"
local program = require "spec.support.program"

-- nginx is the same program on whichever VM this spec runs: once is enough.
local openresty = rawget(_G, "jit") and describe or function() end

openresty("the coffee flow in OpenResty", function()
  local sb, server, folder

  setup(function() sb = live.start() end)
  teardown(function() sb.stop() end)

  before_each(function()
    sb.reset()
    folder = program.folder()
  end)

  after_each(function()
    if server then server:stop() end
    server = nil
    program.remove(folder)
  end)

  local function start(machine)
    local credentials = sb.credentials.payzu
    server = nginx.start_file("examples/openresty/nginx.conf", 8080, {
      PAYZU_API_KEY = credentials.api_key, PAYZU_WEBHOOK_SECRET = credentials.webhook_secret,
      PAYZU_BASE_URL = sb.url.payzu, SHOP_JOURNAL = folder .. "/shop.db",
      COFFEE_MACHINE = machine or "good",
    })
  end

  local function post(path)
    return server:request { path = path, method = "POST" }
  end

  local function order()
    local reply
    nginx.eventually("the shop opens", function()
      reply = post "/coffee"
      return reply.status ~= 503
    end)
    assert.equal(201, reply.status, reply.body .. server:errors())
    return reply.body:match '"order":"([%w-]+)"'
  end

  local function shows(id, view)
    local reply
    nginx.eventually("the page shows " .. view, function()
      reply = server:request("/coffee/" .. id)
      return reply.body:find('"view":"' .. view .. '"', 1, true)
    end)
    return reply.body
  end

  it("sells: any worker shows the code, and the coffee comes when it is paid", function()
    start()
    local id = order()
    assert.truthy(shows(id, "qr"):find('"code":"000201', 1, true))
    sb.pay(sb.ledger().charges[1].id)
    shows(id, "thanks")
    assert.is_nil(server:errors():find("attendant", 1, true))
  end)

  it("hears the customer who goes away, in whichever worker", function()
    start()
    local id = order()
    shows(id, "qr")
    assert.equal(202, post("/coffee/" .. id .. "/cancel").status)
    shows(id, "bye")
  end)

  it("calls the attendant where the machine fails and the provider cannot pay back", function()
    start "broken"
    local id = order()
    shows(id, "qr")
    sb.pay(sb.ledger().charges[1].id)
    shows(id, "sorry")
    assert.truthy(server:errors():find("attendant: Pedido " .. id, 1, true))
  end)

  it("goes on in the new workers after a reload, with the same code", function()
    start()
    local id = order()
    local before = shows(id, "qr"):match '"code":"([^"]+)"'
    local old = server:workers()
    server:signal "HUP"
    nginx.eventually("the old workers end", function()
      for _, pid in ipairs(old) do
        if server:alive(pid) then return false end
      end
      return true
    end)
    sb.pay(sb.ledger().charges[1].id)
    shows(id, "thanks")
    assert.equal(1, #sb.ledger().charges)
    assert.truthy(before)
    assert.is_nil(server:errors():find("exited on signal", 1, true))
  end)

  it("goes on in another worker when one is killed", function()
    start()
    local id = order()
    shows(id, "qr")
    for _, pid in ipairs(server:workers()) do server:signal("KILL", pid) end
    sb.pay(sb.ledger().charges[1].id)
    local shown
    for _ = 1, 3 do -- a lease is half a minute
      shown = pcall(shows, id, "thanks")
      if shown then break end
    end
    assert.is_true(shown)
    assert.equal(1, #sb.ledger().charges)
  end)
end)

local PROGRAM = [[
package.path = package.path .. ";" .. %q
local pix = require "pix"
local function sell(finish)
  local ssg = assert(pix.ssg(%s))
  local flow = assert(pix.flow.load "examples/flows/coffee.flow.lua")
  local run
  local function show(view, data)
    print(view, data.code)
    io.stdout:flush()
    if view == "qr" and %s then
      pix.spawn(function()
        pix.sleep(0.01)
        assert(run:signal "cancel")
      end)
    end
  end
  run = assert(flow:run({ total = "8.50", order = "17" }, {
    checkout = assert(pix.checkout { ssg, journal = false }), ui = { show = show },
    perform = { brew = function() return %s end }, alert = print,
  }))
  print((run:wait()))
  if finish then finish() end
end
%s
]]

local DRIVERS = {
  ["plain Lua"] = "sell()",
  ["the built-in scheduler"] = "pix.run(sell)",
  copas = [[local copas = require "copas"
    pix.use "copas"
    copas.addthread(function() sell(function() os.exit(0) end) end)
    copas.loop() ]],
  luv = [[local uv = require "luv"
    pix.use "luv"
    pix.spawn(sell)
    uv.run() ]],
  cqueues = [[local cqueues = require "cqueues"
    local loop = cqueues.new()
    loop:wrap(sell)
    assert(loop:loop()) ]],
}

describe("the coffee flow", function()
  local sb, nobody_pays

  setup(function() sb, nobody_pays = live.start { auto_pay = 0.5 }, live.start() end)
  teardown(function()
    sb.stop()
    nobody_pays.stop()
  end)

  local function options(sandbox)
    local words = {}
    for name, value in pairs(live.settings(sandbox, "ssg")) do
      words[#words + 1] = ("%s = %s"):format(name,
        type(value) == "string" and ("%q"):format(value) or tostring(value))
    end
    return "{ " .. table.concat(words, ", ") .. " }"
  end

  local function play(sandbox, driver, brew, cancels)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(PROGRAM:format("/usr/share/lua/5.2/?.lua;", options(sandbox),
      tostring(cancels or false), brew, driver))
    file:close()
    local pipe = assert(io.popen(("timeout 300 %s %s 2>&1"):format(program.interpreter(), path)))
    local output = pipe:read "*a"
    pipe:close()
    os.remove(path)
    return output
  end

  for name, driver in pairs(DRIVERS) do
    it("sells on " .. name, function()
      sb.reset()
      assert.matches("^qr\t%S+\nthanks\tnil\ndone\n$", play(sb, driver, "true"))
      assert.equal("paid", sb.ledger().charges[1].status)
    end)

    it("hears a signal on " .. name, function()
      nobody_pays.reset()
      assert.matches("^qr\t%S+\nbye\tnil\ndone\n$", play(nobody_pays, driver, "true", true))
      assert.equal("cancelled", nobody_pays.ledger().charges[1].status)
    end)

    it("pays back on " .. name, function()
      sb.reset()
      assert.matches("^qr\t%S+\nsorry\tnil\nfailed\n$", play(sb, driver, "nil, 'jam'"))
      assert.equal("refunded", sb.ledger().charges[1].status)
    end)
  end
end)
