--- What a caller or a provider may get wrong: each gives nil and an error that names the field,
-- nothing is sent that should not be, and the next call works.
local core = require "pix.core"
local live = require "spec.support.live"
local scripted = require "spec.support.scripted"

local LONG = ("x"):rep(5000)

local function payer(changes)
  local result = {}
  for key, value in pairs(live.PAYER) do result[key] = value end
  for key, value in pairs(changes) do result[key] = value end
  return result
end

local function args(changes)
  local result = live.charge_args()
  for key, value in pairs(changes) do result[key] = value end
  return result
end

describe("bad input from the caller", function()
  local script, providers

  before_each(function()
    script = scripted.new()
    providers = {}
    for name, options in pairs(scripted.ALL) do
      providers[name] = assert(core.provider(name, options))
    end
  end)

  after_each(function() script:stop() end)

  local function refused(name, operation, arguments, field, kind)
    local future = providers[name]:start(operation, arguments)
    assert.is_true(future:ready(), "it was not refused at once")
    local value, err = future:result()
    assert.is_nil(value)
    assert.equal(kind or "invalid", err.kind, tostring(err))
    assert.equal("no", err.sent)
    assert.truthy(#err.hint > 0)
    if field then
      assert.truthy(err.fields and err.fields[field], tostring(err) .. ": expected field " .. field)
    end
    assert.is_nil(script.reactor:outbox())
  end

  it("in an amount is named", function()
    local bad = { 19.9, 0, -1, 0 / 0, 1 / 0, 2 ^ 60, "", "abc", "1.234", "19.901", true, {} }
    for _, amount in ipairs(bad) do
      for name in pairs(providers) do
        refused(name, "charge", args { amount = amount }, "amount")
      end
    end
    refused("ssg", "charge", {}, "amount")
  end)

  it("in a payer is named as the caller spells it", function()
    local bad = {
      ["payer.name"] = { name = "\255\254" },
      ["payer.tax_id"] = { tax_id = "111.111.111-11" },
      ["payer.email"] = { email = "nobody" },
      ["payer.phone"] = { phone = "12345" },
    }
    for field, changes in pairs(bad) do
      refused("detseg", "charge", args { payer = payer(changes) }, field)
      refused("payzu", "charge", args { payer = payer(changes) }, field)
    end
  end)

  it("in text is refused: too long, not UTF-8, with control characters", function()
    for _, text in ipairs { LONG, "\255", "a\0b", "a\r\nb", "\27[2J" } do
      refused("detseg", "charge", args { description = text }, "description")
      refused("detseg", "charge", args { payer = payer { name = text } }, "payer.name")
    end
    refused("detseg", "charge", args { description = 17 }, "description")
    refused("detseg", "charge", args { payer = "Maria" }, "payer")
  end)

  it("in an id is refused, or stays one segment of the path", function()
    for _, id in ipairs { "", ".", "..", LONG, "a\0b", "a\nb", "\255" } do
      refused("ssg", "status", id, "id")
    end
    refused("ssg", "status", {}, "id")
    refused("ssg", "status", 1.5)
    providers.ssg:start("status", "../../oauth/token?x=1#y")
    script:give_token()
    local request = script:next("status")
    local path = "/api/qrcode/..%2F..%2Foauth%2Ftoken%3Fx%3D1%23y/status?device_code=dev-1"
    assert.truthy(request.url:find(path, 1, true), request.url)
  end)

  it("in the arguments' shape is refused", function()
    for _, value in ipairs { "text", 17, true } do
      refused("ssg", "charge", value)
    end
    refused("ssg", "charge", { amount = 1990, webhok = "https://x.example" }, "webhok")
    refused("payzu", "charge", args { webhook = "ftp://x" }, "webhook")
    refused("payzu", "subscribe",
      { plan = "P", payer = live.PAYER, card = "4111111111111111" }, "card")
    refused("ssg", "charge", { amount = 1990, timeout = "soon" }, "timeout")
    refused("ssg", "charge", { amount = 1990, timeout = -1 }, "timeout")
  end)

  it("asks for what a provider cannot do: unsupported, before anything is sent", function()
    refused("payzu", "cancel", "abc", nil, "unsupported")
    refused("payzu", "refund", "abc", nil, "unsupported")
    refused("payzu", "search", { id = "abc" }, nil, "unsupported")
    refused("detseg", "refund", "abc", nil, "unsupported")
    refused("ssg", "search", { id = "abc" }, nil, "unsupported")
    refused("ssg", "subscribe", live.subscribe_args(), nil, "unsupported")
    local charge = { id = "abc", amount = 1990, provider = "ssg" }
    refused("ssg", "refund", { id = "abc", amount = 100, charge = charge }, nil, "unsupported")
  end)

  it("in a configuration names the option", function()
    local function config(name, options, field)
      local value, err = core.provider(name, options)
      assert.is_nil(value)
      assert.equal("config", err.kind, tostring(err))
      assert.truthy(err.fields[field], tostring(err) .. ": expected field " .. field)
    end
    local function with(changes)
      local options = {}
      for key, value in pairs(scripted.SSG) do options[key] = value end
      for key, value in pairs(changes) do options[key] = value end
      return options
    end
    config("ssg", {}, "client_id")
    config("ssg", with { client_secret = "a\r\nX-Evil: 1" }, "client_secret")
    config("ssg", with { client_secret = 17 }, "client_secret")
    config("ssg", with { timeot = 5 }, "timeot")
    config("ssg", with { timeout = 0 / 0 }, "timeout")
    config("ssg", with { max_response = 0 }, "max_response")
    config("ssg", with { base_url = "ftp://x.example" }, "base_url")
    config("ssg", with { base_url = "http://pay.example" }, "base_url")
    config("ssg", with { base_url = "https://user:pass@x.example" }, "base_url")
    config("nobody", {}, "provider")
    assert.truthy(core.provider("ssg", with { base_url = "http://pay.example", allow_http = true }))
  end)
end)

describe("bad input from a provider", function()
  local sandbox, ssg

  setup(function()
    sandbox = live.start()
    ssg = live.provider(sandbox, "ssg")
  end)

  teardown(function() sandbox.stop() end)

  before_each(function()
    sandbox.clear_faults()
    assert(live.call(ssg, "charge", live.charge_args()))
  end)

  local function answered(fault)
    fault.provider, fault.operation = "ssg", "charge"
    sandbox.fault(fault)
    local value, err = live.call(ssg, "charge", live.charge_args())
    assert.is_nil(value)
    assert.equal("protocol", err.kind, tostring(err))
    assert.equal("maybe", err.sent)
  end

  it("of a hundred thousand levels does not break the reader", function()
    answered { status = 201, body = ("["):rep(100000) }
    answered { status = 201, body = ('{"a":'):rep(100000) .. "1" .. ("}"):rep(100000) }
  end)

  it("of a gibibyte is cut short", function()
    collectgarbage()
    answered { huge = 2 ^ 30 }
  end)

  it("that is no JSON object is not believed", function()
    for _, body in ipairs { "null", "[]", "17", '"id"', "{}", '{"id":null,"qr_code_text":"x"}',
      "\0\0", '{"id":NaN}',
      '{"id":{"a":1},"qr_code_text":"x","status":"PENDING"}' } do
      answered { status = 201, body = body }
    end
  end)

  it("with an id that is too long, or an amount that is none, is not believed", function()
    answered { status = 201,
      body = { id = LONG, qr_code_text = "x", status = "PENDING", value = "19.90" } }
    sandbox.fault { provider = "ssg", operation = "charge", status = 201,
      body = '{"id":"a","qr_code_text":"eyJpZCI6MX0=","status":"PENDING","value":"many"}' }
    local value, err = live.call(ssg, "charge", live.charge_args())
    assert.is_nil(value)
    assert.truthy(err.kind == "protocol" or err.kind == "mismatch", tostring(err))
  end)

  it("with control characters cannot break a log line", function()
    sandbox.fault { provider = "ssg", operation = "charge", status = 400,
      body = '{"message":"first\\nsecond\\u001b[2J\\u0000third"}' }
    local _, err = live.call(ssg, "charge", live.charge_args())
    assert.is_nil(tostring(err):find("[%c]"))
  end)
end)
