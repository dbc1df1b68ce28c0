-- Calls that wait for a token were kept in the provider's list after their reactor was closed, and
-- collected while they were in it: the provider's next call walked over freed memory. The provider
-- also took its place in the former reactor's table of tasks for one in the next reactor's.
local core = require "pix.core"

local OPTIONS = { client_id = "client-17", client_secret = "s3cret", device_code = "dev-1",
  base_url = "http://127.0.0.1:9", allow_http = true }
local TOKEN = '{"access_token":"t0ken","expires_in":3600}'
local CREATED = '{"id":"1","qr_code_text":"opaque","status":"PENDING"}'

describe("a reactor that is closed while calls wait for a token", function()
  local provider, first, second

  before_each(function()
    provider = assert(core.provider("ssg", OPTIONS))
    first, second = core.virtual(), core.virtual()
    core.use(first)
  end)

  after_each(function()
    second:close()
    core.use(nil)
  end)

  local function answer(body) assert(second:answer(second:outbox().id, { body = body })) end

  it("tells them, and the provider forgets them", function()
    for _ = 1, 50 do provider:start("charge", { amount = 100, timeout = 5 }) end
    local kept = provider:start("charge", { amount = 100, timeout = 5 })
    first:close()
    collectgarbage()
    collectgarbage()
    local _, err = kept:result()
    assert.same({ "cancelled", "no" }, { err.kind, err.sent })
    core.use(second)
    local charge = provider:start("charge", { amount = 100 })
    answer(TOKEN)
    second:drain {}
    answer(CREATED)
    second:drain {}
    assert.equal("1", charge:result().id)
  end)

  it("leaves the next reactor's tasks in their places", function()
    provider:start("charge", { amount = 100 })
    first:close()
    core.use(second)
    local timers = {}
    for i = 1, 3 do timers[i] = core.timer(i) end
    provider:start("charge", { amount = 100 })
    answer(TOKEN)
    second:drain {}
    for i = 4, 6 do timers[i] = core.timer(i) end
    second:advance(10)
    local list = {}
    assert.equal(6, (second:drain(list)))
    for i = 1, 6 do assert.equal(timers[i], list[i]) end
  end)
end)
