--- The programs of the benchmark: each does its checkouts and says what they took; none believes an
-- answer that a shop must not believe, or it would do less work than the others.
local crc16 = require "bench.crc16"
local nginx = require "spec.support.nginx"
local program = require "spec.support.program"

local unpack = table.unpack or unpack

local VM = _VERSION == "Lua 5.4" and "5.4" or "luajit"
-- They run in the plain build, whatever variant this spec runs in (.ci/under).
local PLAIN = {
  LD_PRELOAD = "", VARIANT = "", VALGRIND = "", MAKEFLAGS = "",
  PATH = os.getenv("PATH"):gsub("[^:]*/%.ci/wrap:", ""),
}
local CHECKOUTS = 6

local function lua(...) return { ".ci/lua", VM, ... } end
local PROGRAMS = {
  { name = "luapix.lua", words = lua("bench/luapix.lua") },
  { name = "lua_http.lua", words = lua("bench/others/lua_http.lua") },
  { name = "copas_luasocket.lua", words = lua("bench/others/copas_luasocket.lua") },
  { name = "copas_luasocket.lua --client http",
    words = lua("bench/others/copas_luasocket.lua", "--client", "http") },
  { name = "aiohttp_client.py",
    words = { os.getenv "PYTHON" or "/usr/bin/python3", "bench/others/aiohttp_client.py" } },
}
local LIMIT = { name = "limit", words = { "build/bench/limit" } }

-- ---- Answers, right and wrong ----

local function answer(name)
  return (program.read("bench/answers/" .. name .. ".json"):gsub("%s+$", ""))
end

local function set(text, from, to)
  local at, stop = text:find(from, 1, true)
  return assert(at) and text:sub(1, at - 1) .. to .. text:sub(stop + 1)
end

local function with_checksum(code)
  return code .. ("%04X"):format(crc16(code, #code))
end

local CREATE = answer "create"
local CODE = CREATE:match('"qr_code_text":"([^"]+)"')
local WRONG = {
  { name = "a code whose checksum is wrong", create = set(CREATE, CODE, CODE:sub(1, -2) .. "4") },
  { name = "a code with another amount",
    create = set(CREATE, CODE, with_checksum(set(CODE:sub(1, -5), "540519.90", "540519.91"))) },
  { name = "a charge without an id", create = CREATE:gsub('"id":"[^"]+",', "", 1) },
  { name = "a charge that is not JSON", create = "<html></html>" },
  { name = "a charge with HTTP status 500", code = 500 },
  { name = "a status that is not JSON", status = "<html></html>" },
  { name = "a status with HTTP status 500", status_code = 500 },
}

-- One nginx gives all of them: /case?n=N says which until the next time, 0 is what is right.
local function case_of(wrong)
  return ("{ create = { %d, [==[%s]==] }, status = { %d, [==[%s]==] } }"):format(wrong.code or 201,
    wrong.create or CREATE, wrong.status_code or 200, wrong.status or answer "status")
end

local function start_server()
  local cases = {}
  for i, wrong in ipairs(WRONG) do
    cases[i] = ("[%d] = %s,"):format(i, case_of(wrong))
  end
  return nginx.start {
    http = ([[
      default_type application/json;
      init_by_lua_block {
        bench = { case = 0, token = { 200, [==[%s]==] }, [0] = %s, %s }
        function bench.answer(reply)
          ngx.req.read_body()
          ngx.status = reply[1]
          ngx.header.content_length = #reply[2] -- or nginx would send chunks
          ngx.print(reply[2])
        end
      }
    ]]):format(answer "token", case_of {}, table.concat(cases, "\n")),
    server = [[
      location = /case { content_by_lua_block { bench.case = tonumber(ngx.var.arg_n) } }
      location = /oauth/token { content_by_lua_block { bench.answer(bench.token) } }
      location = /api/qrcode/new { content_by_lua_block { bench.answer(bench[bench.case].create) } }
      location /api/qrcode/ { content_by_lua_block { bench.answer(bench[bench.case].status) } }
    ]],
  }
end

local function start_slow(mode)
  local port = nginx.free_port()
  local pipe = assert(io.popen(("exec build/bench/slow %d 50 bench/answers %s >/dev/null & echo $!")
    :format(port, mode)))
  local slow = { port = port, pid = pipe:read("*n") }
  pipe:close()
  nginx.eventually("slow listens", function()
    return program.run({ "build/bench/load", "--port", port, "--path", "/", "--requests", 1 },
      { folder = program.root, env = PLAIN }).status == 0
  end)
  return slow
end

-- ---- Running them ----

local function figures(line)
  local found = {}
  for name, value in line:gmatch("(%w+[%w_]*)=([%d.]+)") do found[name] = tonumber(value) end
  return found
end

local function run(one, server, case)
  assert.equal(200, server:request("/case?n=" .. case).status)
  local words = { unpack(one.words) }
  for _, word in ipairs { "--url", server.url, "--inflight", "3", "--checkouts", CHECKOUTS } do
    words[#words + 1] = word
  end
  return program.run(words, { folder = program.root, env = PLAIN })
end

describe("the benchmark", function()
  local server

  setup(function()
    -- The suites of both VMs run beside each other: one makes, the other waits.
    local built = program.run({ "flock", "build/bench.lock", "make", "-s", "LUA=", "VARIANT=",
      "all", "build/bench/limit", "build/bench/slow", "build/bench/load" },
      { folder = program.root, env = PLAIN })
    assert(built.status == 0, built.err)
    server = start_server()
  end)
  teardown(function() server:stop() end)

  for _, one in ipairs { LIMIT, unpack(PROGRAMS) } do
    it("has " .. one.name .. " do its checkouts and say what they took", function()
      local result = run(one, server, 0)
      assert.equal(0, result.status, result.err)
      local found = figures(result.out)
      assert.equal(CHECKOUTS, found.checkouts)
      assert.equal(0, found.failed)
      assert.is_true(found.seconds > 0 and found.cpu > 0)
      assert.is_true(found.maxrss_kib > 1000)
    end)
  end

  for _, one in ipairs(PROGRAMS) do
    for i, wrong in ipairs(WRONG) do
      it(("has %s count %s as failed"):format(one.name, wrong.name), function()
        local result = run(one, server, i)
        assert.equal(1, result.status, result.out .. result.err)
        local found = figures(result.out)
        assert.equal(CHECKOUTS, found.checkouts)
        assert.equal(CHECKOUTS, found.failed)
        assert.is_truthy(result.err:find("%S"))
      end)
    end
  end

  -- What load says of 40 requests at slow.c, which answers after 50 ms.
  local function load(slow, ...)
    local words = { "build/bench/load", "--port", slow.port, "--path", "/", "--requests", 40, ... }
    local result = program.run(words, { folder = program.root, env = PLAIN })
    assert.equal(0, result.status, result.err)
    local found = figures(result.out)
    assert.equal(40, found.requests)
    assert.is_true(found.p50 >= 50, result.out)
    return found
  end

  for _, mode in ipairs { "", "exact" } do
    it(("has slow %s answer no earlier than asked"):format(mode), function()
      local slow = start_slow(mode)
      finally(function() os.execute("kill " .. slow.pid) end)
      load(slow, "--connections", 20)
    end)
  end

  it("has load begin requests by the clock, and say where no connection was free", function()
    local slow = start_slow "exact"
    finally(function() os.execute("kill " .. slow.pid) end)
    local found = load(slow, "--connections", 40, "--rate", 200)
    assert.is_true(found.seconds >= 39 / 200, "a request began too early")
    assert.equal(0, found.late)
    found = load(slow, "--connections", 4, "--rate", 200) -- ten times 50 ms for each of the four
    assert.is_true(found.seconds >= 0.5)
    assert.is_true(found.late > 0)
  end)

  it("has frames tell those until all requests are under way from those that follow", function()
    local words = { "env", "FRAMES=60", "BUDGETS=default", "bench/frames" }
    local result = program.run(words, { folder = program.root, env = PLAIN })
    assert.equal(0, result.status, result.err)
    local times = (" %d+%.%d+ |"):rep(4)
    local function row(name, frames)
      return ("\n| default | %s | %s | %%d+ | CPU |%s\n"):format(name, frames, times)
    end
    assert.is_truthy(result.out:match(row("starting", "%d+")), result.out)
    assert.is_truthy(result.out:match(row("200 under way", "60")), result.out)
    assert.is_nil(result.out:match("failed"), result.out)
  end)

  it("prints one table of luapix and the others, with date, machine and versions", function()
    local words = { "env", "OTHERS=1", "ROUNDS=1", "SCALE=1", "bench/run" }
    local result = program.run(words, { folder = program.root, env = PLAIN })
    assert.equal(0, result.status, result.err)
    local rows, numbers = 0, "| %d+ | [%d.]+ | [%d.]+ | [%d.]+ | [%d.]+ |"
    for line in result.out:gmatch("[^\n]+") do
      if line:match("^| 6?[14] | [^|]+ " .. numbers .. "$") then rows = rows + 1 end
    end
    assert.equal(20, rows, result.out)
    assert.is_truthy(result.out:match("\n%d+%-%d%d%-%d%d, %d+ cores of .+ aiohttp %d.+%.\n$"))
  end)
end)
