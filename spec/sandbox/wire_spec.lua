-- Every fault as a real HTTP client sees it. curl's exit codes: 0 well, 1 unsupported protocol,
-- 18 partial, 28 time-out, 52 empty reply, 56 receive error (reset), 92 HTTP/2 stream error.
local client = require("spec.support.sandbox_client")
local curl = require("spec.support.curl")
local nginx = require("spec.support.nginx")
local sandbox = require("pix.sandbox")

describe("a fault of the sandbox", function()
  local sb, call, headers

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    call, headers = client.open(sb, "ssg")
  end)

  local function charge(extra)
    return call("/api/qrcode/new", client.ssg_body(sb), extra)
  end

  local function charges()
    return #sb.ledger().charges
  end

  local function fault(given)
    given.provider, given.operation = "ssg", "charge"
    return sb.fault(given)
  end

  -- A client that gives up a second or so after it has sent its request.
  local IMPATIENT = { "--speed-limit", "1000", "--speed-time", "1" }

  -- What that one sent is with the sandbox sooner or later.
  local function received()
    nginx.eventually("the charge has come", function()
      return sb.count({ operation = "charge" }) > 0
    end)
  end

  -- The same charge over HTTP/2 and TLS.
  local function charge_h2(options)
    return charge({ url = sb.https_url.ssg .. "/api/qrcode/new", ca_file = sb.ca_file,
      options = { "--http2", (table.unpack or unpack)(options or {}) } })
  end

  it("raises in the caller's place when it is malformed", function()
    local ok, why = pcall(sb.fault, { provider = "ssg", operation = "subscribe", hang = true })
    assert.is_false(ok)
    assert.truthy(why:find("wire_spec", 1, true))
    assert.truthy(why:find('unknown operation "subscribe" of ssg', 1, true))
  end)

  it("answers with a status, body and headers, and does nothing", function()
    fault({ status = 503, body = "busy", headers = { ["Retry-After"] = "7" } })
    local reply = charge()
    assert.are.equal(503, reply.status)
    assert.are.equal("busy", reply.body)
    assert.are.equal("7", reply.headers["retry-after"])
    assert.are.equal(0, charges())
    assert.are.equal(201, charge().status)
  end)

  it("answers with a status after it did the work", function()
    fault({ status = 500, body = { message = "Erro" }, processed = true })
    local reply = charge()
    assert.are.equal(500, reply.status)
    assert.are.same({ message = "Erro" }, reply.data)
    assert.are.equal(1, charges())
  end)

  it("delays the answer beyond a client's patience", function()
    fault({ delay = 60 })
    assert.are.equal(28, charge({ options = IMPATIENT }).exit)
    received()
    assert.are.equal(1, charges())
  end)

  it("delays the answer of a patient client", function()
    fault({ delay = 0.05 })
    assert.are.equal(201, charge().status)
  end)

  it("hangs", function()
    fault({ hang = true })
    assert.are.equal(28, charge({ options = IMPATIENT }).exit)
    received()
    assert.are.equal(0, charges())
    assert.are.equal(1, sb.count({ operation = "charge" }))
  end)

  it("hangs over HTTP/2", function()
    fault({ hang = true })
    assert.are.equal(28, charge_h2(IMPATIENT).exit)
    received()
    assert.are.equal(0, charges())
  end)

  it("resets before the work", function()
    fault({ reset = "before" })
    assert.are.equal(sb.reset_kind == "rst" and 56 or 52, charge().exit)
    assert.are.equal(0, charges())
  end)

  it("resets after the work", function()
    fault({ reset = "after" })
    assert.are.equal(sb.reset_kind == "rst" and 56 or 52, charge().exit)
    assert.are.equal(1, charges())
  end)

  it("resets an HTTP/2 connection", function()
    fault({ reset = "after" })
    assert.are_not.equal(0, charge_h2().exit)
    assert.are.equal(1, charges())
  end)

  it("cuts a body after so many bytes", function()
    fault({ truncate = 10 })
    local reply = charge()
    assert.are.equal(18, reply.exit)
    assert.are.equal(201, reply.status)
    assert.are.equal(10, #reply.body)
    assert.truthy(tonumber(reply.headers["content-length"]) > 100)
    assert.are.equal(1, charges())
  end)

  it("cuts a body at a fraction", function()
    fault({ truncate = 0.5 })
    local reply = charge()
    local whole = tonumber(reply.headers["content-length"])
    assert.are.equal(18, reply.exit)
    assert.are.equal(math.floor(whole / 2), #reply.body)
  end)

  it("cuts a body over HTTP/2", function()
    fault({ truncate = 0.5 })
    local reply = charge_h2()
    assert.are.equal(92, reply.exit)
    assert.are.equal(201, reply.status)
  end)

  it("cuts the headers", function()
    fault({ truncate_headers = true })
    local reply = charge()
    assert.is_nil(reply.body)
    assert.are.equal(1, charges())
  end)

  it("gives half a JSON without a length", function()
    fault({ no_length = true })
    local reply = charge()
    assert.are.equal(0, reply.exit)
    assert.are.equal(201, reply.status)
    assert.is_nil(reply.headers["content-length"])
    assert.is_nil(reply.data)
    assert.truthy(reply.body:match('^{"id": '))
  end)

  it("gives half a JSON without a length over HTTP/2", function()
    fault({ no_length = true })
    local reply = charge_h2()
    assert.are.equal(0, reply.exit)
    assert.is_nil(reply.headers["content-length"])
    assert.is_nil(reply.data)
    assert.truthy(reply.body:match('^{"id": '))
  end)

  it("gives garbage for JSON", function()
    fault({ garbage = true })
    local reply = charge()
    assert.are.equal(0, reply.exit)
    assert.are.equal(201, reply.status)
    assert.is_nil(reply.data)
  end)

  it("gives garbage for HTTP", function()
    fault({ garbage = "http" })
    assert.are_not.equal(0, charge().exit)
    fault({ garbage = "http" })
    assert.are_not.equal(0, charge_h2().exit)
  end)

  it("gives HTML", function()
    fault({ content_type = "text/html", status = 502 })
    local reply = charge()
    assert.are.equal(502, reply.status)
    assert.are.equal("text/html", reply.headers["content-type"])
    assert.truthy(reply.body:match("^<!DOCTYPE html>"))
  end)

  it("gives an empty body", function()
    fault({ empty = true })
    local reply = charge()
    assert.are.equal(200, reply.status)
    assert.are.equal("", reply.body)
    assert.are.equal(1, charges())
  end)

  it("gives a huge body of the size asked", function()
    fault({ huge = 3000000 })
    assert.are.equal(3000000, #charge().body)
    fault({ huge = 3000000 })
    assert.are.equal(3000000, #charge_h2().body)
  end)

  it("gives a small body that unpacks to a large one", function()
    fault({ gzip_bomb = 5000000 })
    local reply = charge()
    assert.are.equal("gzip", reply.headers["content-encoding"])
    assert.truthy(#reply.body < 20000)
    fault({ gzip_bomb = 5000000 })
    assert.are.equal(5000002, #charge({ options = { "--compressed" } }).body)
  end)

  it("drips", function()
    fault({ drip = 2000 })
    local reply = charge()
    assert.are.equal(201, reply.status)
    assert.is_string(reply.data.id)
    local patience = 1
    repeat -- on a busy machine not even the head has come by then
      patience = patience * 2
      fault({ drip = 1 })
      reply = charge({ timeout = patience })
      assert.are.equal(28, reply.exit)
    until reply.body and #reply.body > 0
  end)

  it("redirects", function()
    fault({ redirect = "https://evil.example/" })
    local reply = charge()
    assert.are.equal(302, reply.status)
    assert.are.equal("https://evil.example/", reply.headers.location)
    assert.are.equal(0, charges())
  end)

  it("ends a token that was good", function()
    fault({ expired_token = true })
    local reply = charge()
    assert.are.equal(401, reply.status)
    assert.are.same({ message = "Unauthenticated." }, reply.data)
    assert.are.equal(401, charge().status)
    call = client.open(sb, "ssg")
    assert.are.equal(201, charge().status)
  end)

  it("says another amount than was asked", function()
    fault({ amount = 2000 })
    local reply = charge()
    assert.are.equal("20.00", reply.data.value)
    assert.are.equal(1990, sb.charge(reply.data.id).amount)
    sb.fault({ provider = "detseg", operation = "charge", amount = 2000 })
    local _, made = client.charge(sb, "detseg", (client.open(sb, "detseg")))
    assert.truthy(made.data.payment_code:find("540520.005802BR", 1, true))
  end)

  it("leaves the id out", function()
    fault({ missing_id = true })
    local reply = charge()
    assert.are.equal(201, reply.status)
    assert.is_nil(reply.data.id)
    assert.are.equal("PENDING", reply.data.status)
    assert.are.equal(1, charges())
  end)

  -- Two charges on one connection; curl's own re-sending of the second is what is looked at.
  local function charge_twice()
    local request = { url = sb.url.ssg .. "/api/qrcode/new", body = client.ssg_body(sb),
      headers = headers }
    local list = curl.arguments(request)
    list[#list + 1] = "--next"
    list[#list + 1] = "-sS"
    for _, argument in ipairs(curl.arguments(request)) do
      list[#list + 1] = argument
    end
    return curl.run(list)
  end

  it("closes a reused connection, whose request a client may silently send again", function()
    fault({ close_keepalive = true })
    charge_twice()
    local seen = sb.requests({ operation = "charge" })
    assert.are.equal(3, #seen)
    assert.are.same({ false, true, false }, { seen[1].reused, seen[2].reused, seen[3].reused })
    assert.are.equal("close_keepalive", seen[2].fault)
    assert.are.equal(2, charges())
  end)

  it("keeps connections alive without a fault", function()
    charge_twice()
    local seen = sb.requests({ operation = "charge" })
    assert.are.equal(2, #seen)
    assert.are.equal(seen[1].connection, seen[2].connection)
  end)

  -- What a client hears, and its exit code, whose request is with the sandbox when it is cleared.
  local function cleared(given)
    fault(given)
    local arguments = { url = sb.url.ssg .. "/api/qrcode/new", body = client.ssg_body(sb),
      headers = headers }
    local waiting = curl.start(curl.arguments(arguments))
    received()
    sb.clear_faults()
    return waiting()
  end

  it("lets go of what hangs once it is cleared", function()
    assert.are.equal(52, select(2, cleared({ hang = true })))
  end)

  it("answers what it delays once it is cleared", function()
    local text, code = cleared({ delay = 600 })
    assert.are.equal(0, code)
    assert.truthy(text:find("^HTTP/1.1 201 "), text)
  end)

  it("is over once it is cleared", function()
    fault({ status = 503, times = "always" })
    assert.are.equal(503, charge().status)
    assert.are.equal(1, sb.faults()[1].hits)
    sb.clear_faults()
    assert.are.equal(201, charge().status)
  end)
end)
