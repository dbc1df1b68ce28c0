local client = require("spec.support.sandbox_client")
local curl = require("spec.support.curl")
local nginx = require("spec.support.nginx")
local program = require("spec.support.program")
local sandbox = require("pix.sandbox")

local function output_of(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function exists(path)
  return output_of("test -e '" .. path .. "' && echo yes") ~= ""
end

local function directory(sb)
  return (sb.ca_file:gsub("/[^/]+$", ""))
end

describe("pix.sandbox", function()
  it("names a base URL for each provider, on two ports", function()
    local sb = sandbox.start()
    finally(function() sb.stop() end)
    for _, name in ipairs({ "detseg", "ssg", "payzu" }) do
      assert.truthy(sb.url[name]:find("http://127.0.0.1:" .. sb.port, 1, true))
      assert.truthy(sb.https_url[name]:find("https://127.0.0.1:" .. sb.https_port, 1, true))
    end
  end)

  it("leaves no process and no directory behind when it is stopped, safe twice", function()
    local sb = sandbox.start()
    assert.is_true(exists(directory(sb)))
    sb.stop()
    sb.stop()
    assert.is_false(exists(directory(sb)))
    assert.are.equal(7, curl.request({ url = sb.url.ssg .. "/" }).exit)
    assert.has_error(function() sb.ledger() end, "the sandbox has been stopped")
  end)

  it("ends with the program that started it, even when that is killed", function()
    local script = ("local sb = require('pix.sandbox').start() io.write(sb.ca_file, ' ', "
      .. "sb.url.ssg) io.stdout:flush() %s")
    for _, ending in ipairs({ "", "os.exit(1)", "error('x')", "os.execute('kill -9 $PPID')",
      "os.execute('kill -TERM -- -$PPID')" }) do
      local code = script:format(ending):gsub('["$]', "\\%0")
      -- the pipe's end comes only when every process that holds it has gone
      local text = output_of("setsid " .. program.interpreter() .. ' -e "' .. code
        .. '" 3>&1 2>/dev/null')
      local ca_file, url = text:match("^(%S+) (%S+)")
      assert.is_string(ca_file, ending)
      assert.are.equal(7, curl.request({ url = url }).exit, ending)
      assert.is_false(exists(ca_file), ending)
    end
  end)

  it("runs beside another of its kind, each with a state of its own", function()
    local first, second = sandbox.start(), sandbox.start()
    finally(function()
      first.stop()
      second.stop()
    end)
    client.charge(first, "payzu", (client.open(first, "payzu")))
    assert.are.equal(1, #first.ledger().charges)
    assert.are.equal(0, #second.ledger().charges)
  end)

  it("starts on the port that is asked for", function()
    local port = nginx.free_port()
    for _ = 1, 2 do -- the second time, it was used a moment ago
      local sb = sandbox.start({ port = port })
      sb.stop()
      assert.are.equal(port, sb.port)
    end
  end)

  it("raises for options that it does not know and for a port that is taken", function()
    assert.has_error(function() sandbox.start({ prot = 1 }) end,
      'pix.sandbox: unknown option "prot"')
    assert.has_error(function() sandbox.start({ port = "x" }) end,
      "pix.sandbox: port must be a number")
    local sb = sandbox.start()
    finally(function() sb.stop() end)
    local ok, why = pcall(sandbox.start, { port = sb.port })
    assert.is_false(ok)
    assert.truthy(tostring(why):lower():find("address already in use", 1, true))
  end)

  it("says which interpreters it tried", function()
    local ok, why = pcall(sandbox.start, { interpreter = "no-such-lua" })
    assert.is_false(ok)
    assert.truthy(tostring(why):find("no-such-lua", 1, true))
  end)

  it("works within a coroutine", function()
    local seen
    coroutine.wrap(function()
      local sb = sandbox.start()
      seen = sb.count()
      sb.stop()
    end)()
    assert.are.equal(0, seen)
  end)

  it("runs on Lua 5.4 where there is no LuaJIT", function()
    local sb = sandbox.start({ interpreter = "lua5.4" })
    finally(function() sb.stop() end)
    assert.are.equal("Lua 5.4", sb.version)
    assert.is_string((client.charge(sb, "detseg", (client.open(sb, "detseg")))))
  end)
end)

describe("a running sandbox", function()
  local sb, call

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    call = client.open(sb, "ssg")
  end)

  it("gives integers", function()
    local id = client.charge(sb, "ssg", call)
    assert.are.equal("1990", tostring(sb.charge(id).amount))
  end)

  it("keeps a ledger in the order of the charges", function()
    local first, second = client.charge(sb, "ssg", call), client.charge(sb, "ssg", call)
    local charges = sb.ledger().charges
    assert.are.same({ first, second }, { charges[1].id, charges[2].id })
    local request = sb.requests()[charges[2].created_by_request]
    assert.are.equal("charge", request.operation)
    assert.are.equal(second, request.charge)
  end)

  it("takes a charge by its id or by itself", function()
    local id = client.charge(sb, "ssg", call)
    assert.are.equal("paid", sb.pay({ id = id }).status)
    assert.are.equal("refunded", sb.refund(id).status)
  end)

  it("raises for a charge that is not there and for a move that cannot be", function()
    assert.has_error(function() sb.pay("none") end)
    local id = client.charge(sb, "ssg", call)
    sb.pay(id)
    local ok, why = pcall(sb.expire, id)
    assert.is_false(ok)
    assert.truthy(why:find("a charge that is paid cannot become expired", 1, true))
  end)

  it("lists requests without secrets", function()
    client.charge(sb, "ssg", call)
    local requests = sb.requests()
    assert.are.equal(2, #requests)
    assert.are.equal("token", requests[1].operation)
    assert.are.equal("/oauth/token", requests[1].path)
    assert.is_nil(requests[1].body:find(sb.credentials.ssg.client_secret, 1, true))
    assert.are.equal("[redacted]", requests[2].headers.authorization)
    assert.are.equal("application/json", requests[2].headers["content-type"])
    assert.are.equal(201, requests[2].status)
  end)

  it("forgets everything on reset", function()
    client.charge(sb, "ssg", call)
    sb.fault({ hang = true })
    sb.reset()
    assert.are.same({ charges = {}, subscriptions = {} }, sb.ledger())
    assert.are.same({}, sb.requests())
    assert.are.same({}, sb.faults())
    assert.are.equal(401, call("/api/qrcode/new", client.ssg_body(sb)).status)
  end)

  it("ends tokens", function()
    sb.expire_tokens({ provider = "detseg" })
    assert.are.equal(201, call("/api/qrcode/new", client.ssg_body(sb)).status)
    sb.expire_tokens()
    assert.are.equal(401, call("/api/qrcode/new", client.ssg_body(sb)).status)
  end)

  it("speaks HTTP/2 over TLS, and HTTP/1.1", function()
    local function version(option)
      return call("/nowhere", "{}", { url = sb.https_url.ssg .. "/nowhere", ca_file = sb.ca_file,
        options = { option } }).version
    end
    assert.are.equal("2", version("--http2"))
    assert.are.equal("1.1", version("--http1.1"))
    assert.are.equal("2", sb.requests()[2].version)
  end)

  it("has a certificate that no other authority vouches for", function()
    assert.are.equal(60, curl.request({ url = sb.https_url.ssg .. "/nowhere" }).exit)
  end)

  it("obeys other programs on loopback", function()
    local id = client.charge(sb, "ssg", call)
    local base = ("http://127.0.0.1:%d/_sandbox/"):format(sb.port)
    assert.are.equal(200, curl.request({ url = base .. "pay", body = ('{"id":"%s"}'):format(id) })
      .status)
    assert.are.equal("paid", sb.charge(id).status)
    assert.are.equal(400, curl.request({ url = base .. "sell", body = "{}" }).status)
  end)

  it("survives what is no request", function()
    curl.request({ url = sb.url.ssg .. "/api/qrcode/new", method = "BREW", body = "{" })
    curl.request({ url = ("http://127.0.0.1:%d/"):format(sb.port), body = ("x"):rep(100000) })
    assert.are.equal(201, call("/api/qrcode/new", client.ssg_body(sb)).status)
  end)

  it("does not take a request that did not arrive whole", function()
    call("/api/qrcode/new", client.ssg_body(sb),
      { options = { "-H", "Content-Length: 1000" }, timeout = 0.2 })
    assert.are.equal(201, call("/api/qrcode/new", client.ssg_body(sb)).status)
    assert.are.equal(1, sb.count({ operation = "charge" }))
  end)

  it("does not take a request that is larger than any", function()
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(('"%s"'):format(("x"):rep(5 * 1024 * 1024)))
    file:close()
    local reply = call("/api/qrcode/new", "@" .. name)
    os.remove(name)
    assert.is_nil(reply.data)
    assert.are.equal(0, sb.count({ operation = "charge" }))
  end)

  it("serves 64 requests at once and 4,000 in sequence", function()
    local url = ("%s/api/qrcode/x/status?n=[1-%d]"):format(sb.url.ssg, 4000)
    curl.run({ "-o", "/dev/null", url })
    assert.are.equal(4000, sb.count({ operation = "status" }))
    sb.reset()
    sb.fault({ operation = "status", delay = 600, times = "always" })
    local answered = curl.start({ "-o", "/dev/null", "-Z", "--parallel-immediate",
      "--parallel-max", "64", ("%s/api/qrcode/x/status?n=[1-64]"):format(sb.url.ssg) })
    nginx.eventually("all have come", function()
      return sb.count({ operation = "status" }) == 64
    end)
    sb.clear_faults()
    assert.are.equal(0, select(2, answered()))
    local connections, count = {}, 0
    for _, request in ipairs(sb.requests()) do
      count = count + (connections[request.connection] and 0 or 1)
      connections[request.connection] = true
    end
    assert.are.equal(64, sb.count({ operation = "status" }))
    assert.are.equal(64, count)
  end)
end)

describe("a sandbox with time", function()
  for option, status in pairs({ auto_pay = "paid", expires_after = "expired" }) do
    it("moves charges by itself with " .. option, function()
      local sb = sandbox.start({ [option] = 0.01 })
      finally(function() sb.stop() end)
      local call = client.open(sb, "ssg")
      local id = client.charge(sb, "ssg", call)
      -- a request that takes longer than the charge's time says when to look
      sb.fault({ operation = "status", delay = 0.1 })
      call("/api/qrcode/" .. id .. "/status", nil, { method = "GET" })
      assert.are.equal(status, sb.charge(id).status)
    end)
  end
end)
