-- The host contract (contract_cases.lua) inside nginx: each case is a request of one worker. What a
-- case wants of the sandbox it asks this process for, over a socket that both may wait for.
local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local cases = require "spec.host.contract_cases"
local openresty = require "spec.support.openresty"
local program = require "spec.support.program"
local sandbox = require "pix.sandbox"

local LIMIT = 120 -- seconds after which a case has hung

-- What runs in nginx: the sandbox's commands as calls of ours, and one case.
local INIT = [[
  local cjson, cases = require "cjson", require "spec.host.contract_cases"
  local function command(port, name, args)
    local control = ngx.socket.tcp()
    assert(control:connect("127.0.0.1", port))
    assert(control:send(cjson.encode { name = name, args = args } .. "\n"))
    local answer = cjson.decode(assert(control:receive "*l"))
    control:close()
    return answer.result
  end
  local function beat(f)
    ngx.thread.spawn(function()
      while f() do ngx.sleep(0.001) end
    end)
  end
  function run_case(number, port)
    local control = setmetatable({}, { __index = function(_, name)
      return function(args) return command(port, name, args) end
    end })
    local ok, err = xpcall(cases[number].run, debug.traceback,
      { ssg = ssg, payzu = payzu, sandbox = control, beat = beat })
    command(port, "bye")
    ngx.say(ok and "ok" or tostring(err))
  end
]]

describe("the host openresty", function()
  local sb

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function() sb.reset() end)

  local function start()
    return openresty.start(sb, { path = program.root .. "/?.lua", providers = { "ssg", "payzu" },
      payzu = { webhook_url = "http://127.0.0.1:9/none", timeout = 300 }, init = INIT,
      locations = { case = "run_case(tonumber(ngx.var.arg_n), tonumber(ngx.var.arg_port))" } })
  end

  local function obey(client)
    local order = cjson.decode(client:read "*l")
    local result = order.name ~= "bye" and sb[order.name](order.args) or nil
    client:write(cjson.encode { result = result }, "\n")
    client:flush()
    client:close()
    return order.name ~= "bye"
  end

  local function serve(listener)
    local deadline = cqueues.monotime() + LIMIT
    repeat
      local client = listener:accept(1)
    until (client and not obey(client)) or cqueues.monotime() > deadline
    listener:close()
  end

  -- What the case said: "ok\n", or what went wrong.
  local function run(ng, number)
    local listener = assert(socket.listen("127.0.0.1", 0))
    assert(listener:listen())
    local _, _, port = listener:localname()
    local replies = ng:all({ ("/case?n=%d&port=%d"):format(number, port) },
      function() serve(listener) end)
    return replies[1].body
  end

  describe("in one worker", function()
    local ng

    setup(function() ng = start() end)
    teardown(function() ng:stop() end)

    for number, case in ipairs(cases) do
      it(case.sentence, function() assert.equal("ok\n", run(ng, number), ng:errors()) end)
    end
  end)

  it("ends in order when every case has run, and leaves no socket file", function()
    local ng = start()
    for number in ipairs(cases) do
      run(ng, number)
      sb.reset()
    end
    ng:quit()
    local errors, leftovers = ng:errors(), ng:leftovers()
    ng:stop()
    assert.is_nil(errors:find("exited on signal", 1, true), errors)
    assert.equal("", leftovers)
  end)
end)
