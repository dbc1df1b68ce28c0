-- A second sandbox receives: what is posted below one of its providers is in its requests().
local cqueues = require("cqueues")
local client = require("spec.support.sandbox_client")
local sandbox = require("pix.sandbox")

local SECRET = "sandbox-payzu-secret"

-- HMAC-SHA256 by the openssl program, in hexadecimal.
local function hmac(body)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(body)
  file:close()
  local pipe = assert(io.popen(("openssl dgst -sha256 -hmac %s <%s"):format(SECRET, name)))
  local mac = pipe:read("*a"):match("(%x+)%s*$")
  pipe:close()
  os.remove(name)
  return mac
end

describe("the sandbox's webhooks", function()
  local sb, receiver, call

  setup(function() sb, receiver = sandbox.start(), sandbox.start() end)
  teardown(function()
    sb.stop()
    receiver.stop()
  end)
  before_each(function()
    sb.reset()
    receiver.reset()
    call = client.open(sb, "payzu")
  end)

  local function charge(url)
    local reply = call("/pix/create",
      client.payzu_body({ webhook = url or receiver.url.payzu .. "/hook" }))
    return reply.data.id
  end

  local function arrived()
    sb.webhooks({ wait = 60 })
    return receiver.requests()
  end

  it("arrive signed when a charge is paid", function()
    local id = charge()
    assert.are.equal(0, #arrived())
    sb.pay(id)
    local request = arrived()[1]
    assert.are.equal("POST", request.method)
    assert.truthy(request.body:find('"status": "completed"', 1, true))
    assert.truthy(request.body:find(id, 1, true))
    assert.truthy(request.body:find('"valor": "19.90"', 1, true))
    assert.are.equal(hmac(request.body), request.headers["x-payzu-signature"])
    local delivery = sb.webhooks()[1]
    assert.are.equal("delivered", delivery.state)
    assert.are.equal(404, delivery.http_status)
    assert.are.equal(id, delivery.id)
  end)

  it("say expired and canceled in English", function()
    sb.expire(charge())
    assert.truthy(arrived()[1].body:find('"status": "expired"', 1, true))
    sb.cancel(charge())
    assert.truthy(arrived()[2].body:find('"status": "canceled"', 1, true))
  end)

  for encoding, shape in pairs({ hex = "^%x+$", HEX = "^[%dA-F]+$", ["sha256=hex"] = "^sha256=%x+$",
    base64 = "^[%w+/]+=$" }) do
    it("are signed in " .. encoding, function()
      sb.webhook({ encoding = encoding })
      sb.pay(charge())
      assert.truthy(arrived()[1].headers["x-payzu-signature"]:match(shape))
    end)
  end

  it("come twice when told to", function()
    sb.webhook({ copies = 2 })
    sb.pay(charge())
    local requests = arrived()
    assert.are.equal(2, #requests)
    assert.are.equal(requests[1].body, requests[2].body)
  end)

  it("are sent again on demand", function()
    local id = charge()
    sb.pay(id)
    sb.notify(id)
    assert.are.equal(2, #arrived())
  end)

  it("can be held and released in the other order", function()
    sb.webhook({ hold = true })
    local first, second = charge(), charge()
    sb.pay(first)
    sb.pay(second)
    assert.are.equal(0, #arrived())
    assert.are.equal("held", sb.webhooks()[1].state)
    assert.are.equal(2, sb.release_webhooks({ reverse = true }))
    local requests = arrived()
    assert.truthy(requests[1].body:find(second, 1, true))
    assert.truthy(requests[2].body:find(first, 1, true))
  end)

  it("can be delayed", function()
    sb.webhook({ delay = 0.5 })
    local from = cqueues.monotime()
    sb.pay(charge())
    assert.are.equal(1, #arrived())
    assert.is_true(cqueues.monotime() - from >= 0.5)
    sb.webhook({ delay = 3600 })
    sb.pay(charge())
    assert.are.equal("sending", sb.webhooks()[2].state)
    assert.are.equal(1, #receiver.requests())
  end)

  it("can be tampered with, in the body or in the signature", function()
    for _, place in ipairs({ "body", "signature" }) do
      sb.webhook({ tamper = place })
      sb.pay(charge())
    end
    for _, request in ipairs(arrived()) do
      assert.are_not.equal(hmac(request.body), request.headers["x-payzu-signature"])
    end
  end)

  for _, url in ipairs({ "https://loja.example/hook", "http://127.0.0.1:80@evil.example/",
    "http://localhost.evil.example/", "http://127.0.0.1.evil.example/", "http://10.0.0.1/" }) do
    it("never leave this machine: " .. url, function()
      sb.pay(charge(url))
      local delivery = sb.webhooks()[1]
      assert.are.equal("refused", delivery.state)
      assert.are.equal("only loopback addresses are contacted", delivery.error)
    end)
  end

  it("are recorded as failed when nobody listens", function()
    local gone = sandbox.start()
    gone.stop()
    sb.pay(charge(gone.url.payzu .. "/hook"))
    local delivery = sb.webhooks({ wait = 60 })[1]
    assert.are.equal("failed", delivery.state)
    assert.is_string(delivery.error)
  end)

  it("can be switched off", function()
    sb.webhook({ enabled = false })
    sb.pay(charge())
    assert.are.same({}, sb.webhooks({ wait = 1 }))
  end)

  it("raise for options that they do not have", function()
    assert.has_error(function() sb.webhook({ encodnig = "hex" }) end)
    assert.has_error(function() sb.webhook({ encoding = "rot13" }) end)
    assert.has_error(function() sb.webhook({ copies = "2" }) end)
  end)

  it("come for payzu only", function()
    local id = client.charge(sb, "ssg", (client.open(sb, "ssg")))
    sb.pay(id)
    assert.are.same({}, sb.webhooks())
    assert.has_error(function() sb.notify(id) end)
  end)
end)
