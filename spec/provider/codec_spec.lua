local probe = require "codec_probe"
local cjson = require "cjson"

local OPTIONS = { client_id = "client-17", client_secret = "s3cret-of-ssg", device_code = "dev-1" }
local ID = "0192fee7"

describe("the codec", function()
  local account

  before_each(function() account = assert(probe.account("ssg", OPTIONS)) end)

  local function refused(operation, args)
    local request, err = account:encode(operation, args)
    assert.is_nil(request)
    return { err.kind, err.field }
  end

  local function decode(status, body, operation, args)
    local request = assert(account:encode(operation or "charge", args or { amount = 100 }))
    local _, value, err = account:decode(request, { status = status, body = body }, nil, true)
    return value, err
  end

  it("knows the providers that are registered", function()
    for _, name in ipairs { "detseg", "payzu", "ssg" } do
      assert.is_true(probe.providers()[name].charge)
    end
    assert.is_nil(probe.providers().nobody)
  end)

  it("takes options as a table of names", function()
    for _, options in ipairs { 5, "x", { "id" }, { [1] = "x" } } do
      local made, err = probe.account("ssg", options)
      assert.is_nil(made)
      assert.equal("config", err.kind)
    end
    local _, err = probe.account("ssg", { client_id = "a", client_secret = "b", device_code = "c",
      secret = "d" })
    assert.truthy(err.hint:find("client_secret", 1, true))
    assert.is_nil(err.hint:find('"b"', 1, true))
  end)

  it("takes numbers that are options within their limits", function()
    local function with(name, value)
      local options = { [name] = value }
      for k, v in pairs(OPTIONS) do options[k] = v end
      return probe.account("ssg", options)
    end
    assert.truthy(with("timeout", 86400))
    assert.truthy(with("max_response", 1024))
    assert.truthy(with("max_connections", 4000))
    assert.truthy(with("validate", false))
    assert.truthy(with("proxy", "http://127.0.0.1:3128"))
    for name, value in pairs { timeout = 0 / 0, max_response = 0, max_connections = 0.5,
      connect_timeout = "5", ca_file = false, pinned_public_key = "a\nb" } do
      local made, err = with(name, value)
      assert.is_nil(made)
      assert.equal(name, err.field)
    end
  end)

  it("reads arguments raw: a metatable can neither raise nor hide", function()
    local evil = setmetatable({ amount = 100 }, { __index = function() error "index" end,
      __pairs = function() error "pairs" end })
    assert.truthy(account:encode("charge", evil))
    local empty = setmetatable({}, { __index = { amount = 100 } })
    assert.same({ "invalid", "amount" }, refused("charge", empty))
  end)

  it("refuses what is not named, and says what it is", function()
    assert.same({ "invalid", "amout" }, refused("charge", { amount = 1, amout = 2 }))
    assert.same({ "invalid", "[…]" }, refused("charge", { 100 }))
    assert.same({ "invalid", "from" }, refused("charge", { amount = 1, from = "2026-01-01" }))
    assert.same({ "invalid", "payer.[…]" }, refused("charge", { amount = 1, payer = { "Maria" } }))
    assert.same({ "invalid", "description" }, refused("status", { id = ID, description = "x" }))
  end)

  it("takes whole floats and strings for an amount", function()
    for _, amount in ipairs { 1990, 1990.0, "19.90", "19,90", "R$ 19,90" } do
      assert.equal(1990, account:encode("charge", { amount = amount }).amount)
    end
  end)

  it("takes an id as text, a whole number, or a charge", function()
    for _, args in ipairs { "91", 91, 91.0, { id = "91" }, { id = 91 },
      { id = "91", provider = "ssg", status = "paid", extra = true },
      { charge = { id = "91", extra = true } } } do
      assert.equal("91", account:encode("status", args).id)
    end
    for _, args in ipairs { 1.5, -1, 0 / 0, {}, { charge = "91" }, { charge = {} },
      { provider = "ssg" }, { id = "x", provider = "ssg", amount = -1 } } do
      assert.is_nil((account:encode("status", args)))
    end
    assert.same({ "invalid", "id" }, refused("status", nil))
  end)

  it("refuses a URL or body that would grow too long", function()
    local long = ("%"):rep(128)
    local far = { base_url = "https://a.example/" .. ("x"):rep(1000) }
    for k, v in pairs(OPTIONS) do far[k] = v end
    far.device_code = ("d%"):rep(400)
    account = assert(probe.account("ssg", far))
    local request, err = account:encode("status", long)
    assert.is_nil(request)
    assert.same({ "invalid", "no" }, { err.kind, err.sent })
  end)

  it("carries a call's timeout", function()
    assert.equal(2.5, account:encode("charge", { amount = 1, timeout = 2.5 }).timeout)
    assert.equal(0, account:encode("charge", { amount = 1 }).timeout)
  end)

  it("takes numbers for ids and texts of any kind for nothing", function()
    assert.equal("91", decode(201, '{"id":91,"qr_code_text":"x"}').id)
    local value, err = decode(201, '{"id":true,"qr_code_text":"x"}')
    assert.same({ "protocol", nil }, { err.kind, value.id })
  end)

  it("reads errors nested, listed, or of unexpected types", function()
    local _, err = decode(400, '{"error":{"code":"E1","message":"inner"}}')
    assert.same({ "invalid", "E1", "inner" }, { err.kind, err.code, err.message })
    local members
    members, err = decode(400, '{"message":5,"error":["x"],"errors":"none","code":7}')
    assert.same({ "invalid", "7", "HTTP 400 without a message" }, { err.kind, err.code,
      err.message })
    assert.is_nil(members.fields)
    members, err = decode(400, '{"errors":{"a":["x"],"b":"y","c":{"d":"z"},"e":[1,{},"w"]}}')
    assert.same({ a = { "x" }, b = { "y" }, c = {}, e = { "w" } }, members.fields)
    assert.is_nil(err.field)
  end)

  it("says errors' fields as the caller spells them", function()
    local members, err = decode(422, '{"errors":{"value":["x"],"device_code":["y"]}}')
    assert.equal("amount", err.field)
    assert.same({ amount = { "x" }, device_code = { "y" } }, members.fields)
  end)

  it("leaves a huge error body out of raw, and bounds what it keeps", function()
    local members, err = decode(400, cjson.encode { message = ("a"):rep(100000) })
    assert.is_nil(members.raw)
    assert.equal(511, #err.message)
    local errors = {}
    for i = 1, 100 do errors["f" .. i] = { ("b"):rep(1000) } end
    members = decode(400, cjson.encode { errors = errors })
    local count = 0
    for _, texts in pairs(members.fields) do
      count = count + 1
      assert.is_true(#texts[1] < 256)
    end
    assert.equal(16, count)
  end)

  it("hides a secret that stands where a message is cut", function()
    for pad = 490, 512 do
      local _, err = decode(400, cjson.encode { message = ("a"):rep(pad) .. OPTIONS.client_secret })
      assert.is_nil(err.message:find("s3c", 1, true))
    end
  end)

  it("hides headers that are echoed, and cards in any grouping", function()
    local cases = {
      ["Bearer eyJabc.def.ghi!"] = "[redacted]",
      ["card 4111-1111-1111-1111."] = "card [redacted].",
      ["4111 1111 1111 1111 and 5500005555555559"] = "[redacted] and [redacted]",
      ["transaction 4111111111111112"] = "transaction 4111111111111112",
      ["12345"] = "12345",
    }
    for text, clean in pairs(cases) do
      local _, err = decode(400, cjson.encode { message = text })
      assert.equal(clean, err.message)
    end
  end)

  it("hides secrets in status words, ids and numbers, too", function()
    local value = decode(200, '{"status":"s3cret-of-ssg"}', "status", ID)
    assert.equal("[redacted]", value.raw_status)
    local members = decode(201, '{"id":"s3cret-of-ssg"}')
    assert.equal("[redacted]", members.id)
    members = decode(400, '{"card":4111111111111111}')
    assert.equal("[redacted]", members.raw.card)
  end)

  it("leaves a BR Code's digits alone in a result", function()
    local code = "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/"
      .. "1f2692ec-9e51-42b7-80c4-05c7105c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG"
      .. "6009SAO_PAULO62070503***63040687"
    local value = decode(201, cjson.encode { id = "x", qr_code_text = code })
    assert.equal(code, value.raw.qr_code_text)
  end)

  it("does not grow with the replies that it reads", function()
    local request = assert(account:encode("charge", { amount = 100 }))
    local reply = { status = 201, body = '{"id":"x","qr_code_text":"y","status":"PENDING"}' }
    for _ = 1, 100 do account:decode(request, reply) end
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 20000 do account:decode(request, reply) end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage "count" < before + 64)
  end)
end)
