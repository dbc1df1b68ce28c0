--- Runs programs in a Lua state whose memory is missing now and then: with the first, the second,
-- the third … allocation failing, until none is needed any more (spec/lua/oom.c). Lua 5.4 only.
local M = {}

local oom = require "oom"

-- It leaks when Lua raises within it for lack of memory; .ci/lsan.supp knows that by its name.
assert(oom.keep(package.searchpath("cjson", package.cpath)))

-- What every program begins with. `step` is tried without memory; it may raise, and what it raised
-- is for lack of memory.
M.PRELUDE = [[
  local core = require "pix.core"
  local reactor = core.virtual()
  core.use(reactor)
  local KEY = { api_key = "k3y-of-payzu", webhook_url = "https://shop.example/h",
    allow_http = true, base_url = "http://127.0.0.1:9" }
  local TOKEN = { client_id = "client-17", client_secret = "s3cret-of-ssg", device_code = "dev-1",
    allow_http = true, base_url = "http://127.0.0.1:9" }
  local CREATED = '{"id":"PIX1","qrCodeText":"opaque","status":"PENDING","amount":1.00}'
  local ORDER = { amount = 100, description = "Coffee" }

  -- Without memory; then with it: did the step go to its end, and what did it return?
  local function try(step, ...)
    fail()
    local ok, value, err = pcall(step, ...)
    local failed = mend()
    if not ok and not tostring(value):find("memory", 1, true) then error(value, 0) end
    if not ok and not failed then error(value, 0) end
    if ok and value == nil then
      assert(err.kind == "internal" and tostring(err):find("memory", 1, true), tostring(err))
    end
    return ok and value ~= nil, value, failed
  end

  -- Whatever became of it before: everything that is under way ends once there is memory.
  local function settle(futures)
    for _ = 1, 50 do
      repeat
        local sent = reactor:outbox()
        if sent then
          local body = CREATED
          if sent.operation == "token" then body = '{"access_token":"t0ken","expires_in":3600}' end
          if sent.provider == "ssg" and sent.operation == "charge" then
            body = '{"id":"1","qr_code_text":"opaque","status":"PENDING","value":"1.00"}'
          end
          reactor:answer(sent.id, { status = 200, body = body })
        end
      until not sent
      reactor:drain({})
      reactor:advance(1)
    end
    for i, future in ipairs(futures) do
      assert(future:ready(), "future " .. i .. " is lost")
      local value, err = future:result()
      assert(value or err, "future " .. i .. " has no result")
      if err then
        assert(err.kind == "internal" and err.sent, tostring(err))
      end
    end
    collectgarbage()
    assert(reactor:pending() == 0, "something is still under way")
  end

  -- A charge that is ready must be one of these.
  local function told(future)
    local value, err = future:result()
    if value then
      assert(value.status == "pending" and value.id, "no charge")
    else
      assert(err.kind == "internal" and err.message == "out of memory", tostring(err))
    end
    return value, err
  end
]]

--- Runs the program with ever more memory until it says that none was missing.
-- @tparam string code returns whether memory was missing
-- @treturn integer how often it was
function M.each_allocation(code)
  local n = 1
  while true do
    local missed, why, left = oom.run(M.PRELUDE .. code, n)
    assert(missed ~= nil, ("allocation %d: %s"):format(n, tostring(why)))
    assert(left == 0, ("allocation %d: %s bytes are left"):format(n, tostring(left)))
    if not missed then break end
    n = n + 1
    assert(n < 20000)
  end
  return n - 1
end

--- The same, for a program that does need memory.
function M.tried(code) assert(M.each_allocation(code) > 0) end

return M
