--- A Lua state may end at any moment: with requests hanging, before anything was begun.
local live = require "spec.support.live"
local states = require "states"

local HANGING = [[
  local core = require "pix.core"
  local ssg = assert(core.provider("ssg", {
    client_id = %q, client_secret = %q, device_code = %q, base_url = %q, max_connections = 200 }))
  local reactor = core.reactor()
  local check = ssg:start("check")
  while not check:ready() do reactor:wait(10) reactor:drain() end
  assert(check:result())
  for i = 1, 100 do ssg:start("charge", { amount = i }) end
  for i = 1, 10 do core.timer(1000 + i) end
  if %s then
    -- until every one of them is under way on a connection of its own
    local some = ssg:start("status", "none")
    while not some:ready() do reactor:wait(10) reactor:drain() end
  end
]]

describe("a Lua state", function()
  local sandbox

  setup(function()
    sandbox = live.start()
    sandbox.fault { provider = "ssg", operation = "charge", hang = true, times = "always" }
  end)

  teardown(function() sandbox.stop() end)

  local function program(settled)
    local given = sandbox.credentials.ssg
    return HANGING:format(given.client_id, given.client_secret, given.device_code,
      sandbox.url.ssg, tostring(settled))
  end

  it("with a hundred requests hanging is closed quickly, again and again", function()
    local slowest = 0
    for round = 1, 300 do
      local seconds = assert(states.run(program(round % 2 == 0)))
      slowest = math.max(slowest, seconds)
    end
    -- Below the time-out of 15 s, on a busy machine and under valgrind as well.
    local limit = 10
    assert.is_true(slowest < limit, ("lua_close took %.3f s"):format(slowest))
  end)

  it("that only loaded the module is closed", function()
    for _ = 1, 100 do
      assert(states.run 'require "pix.core"')
    end
  end)

  it("that only built providers is closed", function()
    for _ = 1, 100 do
      assert(states.run [[
        local core = require "pix.core"
        core.provider("payzu", { api_key = "k" })
        core.card { number = "4111111111111111", cvv = "123", expiry = "12/2099", holder = "A" }
        core.virtual()
        core.promise()
      ]])
    end
  end)

  it("that failed is closed", function()
    local ok, message = states.run(program(false) .. 'error "enough"')
    assert.is_nil(ok)
    assert.truthy(message:find("enough", 1, true))
  end)

  it("is one of several with reactors of their own", function()
    -- The other is not this one, in which somebody may have left something to be drained.
    assert(states.run [[
      local core, states = require "pix.core", require "states"
      local reactor = core.reactor()
      assert(states.run [=[
        local core = require "pix.core"
        local timer = core.timer(0.001)
        while not timer:ready() do core.reactor():wait(10) core.reactor():drain() end
      ]=])
      assert(reactor:wait(0) == "timeout")
    ]])
  end)
end)
