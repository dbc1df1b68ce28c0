local probe = require "codec_probe"
local cjson = require "cjson"
local contract = require "spec.support.contract"

local OPTIONS = { client_id = "client-17", client_secret = "s3cret-of-ssg", device_code = "dev 1" }
local ID = "0192fee7-4c2a-73bb-a74a-856ec3c77842"
-- qrc-ssg.txt, "Solicitar um QR Code"
local CODE = "eyJpZCI6ICIzOGYzOTcxOC1kMWRlLTQzZTItODQ0NC01ZWU2YTY0ZTVkNWEiLCAiYW1vdW50IjogIjM2N"
  .. "TUwIi"
  .. "wgIml0ZW1zIjogW3siaXRlbV90aXRsZSI6ICJSRVRJUkFEQSIsICJ1bml0X3ByaWNlIjogMzY1LjUsICJxdWFudGl0"
  .. "eSI6IDEsICJ0aXRsZSI6ICJSRVRJUkFEQSJ9XX0="
local CREATED = ('{"id":"%s","qr_code_text":"%s","status":"PENDING","value":"365.99"}'):format(ID,
  CODE)
local CHARGE = { id = ID, provider = "ssg", amount = 36599, status = "pending" }

contract("ssg", {
  options = OPTIONS,
  required = { "client_id", "client_secret", "device_code" },
  secrets = { OPTIONS.client_secret },
  renews = true,
  demands = { amount = true },
  operations = {
    charge = { class = "create", args = { amount = 36599 }, reply = { status = 201,
      body = CREATED },
      result = { id = ID, amount = 36599, status = "pending", raw_status = "PENDING", code = CODE,
        code_kind = "base64-json" } },
    status = { class = "read", args = ID, reply = { body = '{"status":"PAID"}' },
      result = { id = ID, status = "paid", raw_status = "PAID" } },
    cancel = { class = "settle", args = CHARGE, reply = { body = '{"status":"CANCELLED"}' },
      result = { status = "cancelled", amount = 36599 } },
    refund = { class = "settle", args = CHARGE,
      reply = { body = ('{"id":"%s","value":365.99,"status":"REFUNDED"}'):format(ID) },
      result = { status = "refunded", amount = 36599 } },
  },
})

describe("ssg", function()
  local account

  before_each(function() account = assert(probe.account("ssg", OPTIONS)) end)

  local function encode(operation, args)
    local request, err = account:encode(operation, args)
    assert.is_nil(err and err.message)
    return request
  end

  local function refused(operation, args)
    local request, err = account:encode(operation, args)
    assert.is_nil(request)
    return { err.kind, err.field, err.sent }
  end

  local function answer(operation, args, status, body, last)
    local request = encode(operation, args)
    return account:decode(request, { status = status, body = body }, nil, last ~= false)
  end

  it("sends what the document shows", function()
    local token = encode "token"
    assert.equal("https://apipix.pdvssgbank.com/oauth/token", token.url)
    assert.same({ grant_type = "client_credentials", client_id = "client-17",
      client_secret = "s3cret-of-ssg" }, cjson.decode(token.body))
    local charge = encode("charge", { amount = 36599 })
    assert.same({ "POST", "https://apipix.pdvssgbank.com/api/qrcode/new",
      '{"device_code":"dev 1","value":365.99}' }, { charge.method, charge.url, charge.body })
    local status = encode("status", ID)
    assert.same({ "GET", "https://apipix.pdvssgbank.com/api/qrcode/" .. ID
      .. "/status?device_code=dev%201" }, { status.method, status.url })
    assert.is_nil(status.body)
  end)

  it("reads every status word, in either case", function()
    for word, status in pairs { PENDING = "pending", PENDENTE = "pending", PAID = "paid",
      CANCELLED = "cancelled", REFUNDED = "refunded", paid = "paid" } do
      local _, value = answer("status", ID, 200, ('{"status":"%s"}'):format(word))
      assert.same({ status, word }, { value.status, value.raw_status })
    end
  end)

  describe("S1", function()
    it("writes exactly two decimals, from integers", function()
      for amount, text in pairs { [1] = "0.01", [1000] = "10.00", [36590] = "365.90",
        [999999999999] = "9999999999.99" } do
        assert.truthy(encode("charge", { amount = amount }).body:find('"value":' .. text .. "}", 1,
          true))
      end
      assert.truthy(encode("charge", { amount = "R$ 1.234,56" }).body:find(":1234.56}", 1, true))
    end)

    it("sends the value as a string after a 422 that names it, and remembers", function()
      local refusal = '{"message":"x","errors":{"value":["duas casas decimais"]}}'
      local early = encode("charge", { amount = 1990 })
      assert.equal("adapt", (answer("charge", { amount = 1990 }, 422, refusal, false)))
      local second = encode("charge", { amount = 1990 })
      assert.truthy(second.body:find('"value":"19.90"', 1, true))
      assert.is_false(second.adaptable)
      assert.truthy(encode("refund", CHARGE).body:find('"365.99"', 1, true))
      assert.equal("adapt", (account:decode(early, { status = 422, body = refusal })))
      local verdict, _, err = account:decode(second, { status = 422, body = refusal })
      assert.same({ "done", "invalid", "amount" }, { verdict, err.kind, err.field })
    end)

    it("goes back to numbers if a string is refused as well", function()
      local refusal = '{"errors":{"value":["não"]}}'
      answer("charge", { amount = 1990 }, 422, refusal, false)
      answer("charge", { amount = 1990 }, 422, refusal, true)
      assert.truthy(encode("charge", { amount = 1990 }).body:find('"value":19.90', 1, true))
    end)

    it("does not adapt to a 422 about something else, nor against value_as", function()
      local other = '{"errors":{"device_code":["x"]}}'
      assert.equal("done", (answer("charge", { amount = 1 }, 422, other, false)))
      for form, text in pairs { number = ":0.01", string = ':"0.01"' } do
        account = assert(probe.account("ssg", { client_id = "a", client_secret = "bbbb",
          device_code = "c", value_as = form }))
        local request = encode("charge", { amount = 1 })
        assert.truthy(request.body:find(text, 1, true))
        assert.equal("done", (account:decode(request, { status = 422,
          body = '{"errors":{"value":["x"]}}' })))
      end
      local _, err = probe.account("ssg", { client_id = "a", client_secret = "bbbb",
        device_code = "c", value_as = "text" })
      assert.same({ "config", "value_as", "option value_as must be number or string" },
        { err.kind, err.field, err.message })
    end)
  end)

  it("S2 believes a token for a day at most, less a minute", function()
    local now = 1750000000
    local _, expires = account:token({ body = '{"access_token":"a","expires_in":31536000}' }, now)
    assert.equal(now + 86400 - 60, expires)
  end)

  describe("S3", function()
    local function charge(code, amount)
      local body = cjson.encode { id = ID, qr_code_text = code, status = "PENDING" }
      return answer("charge", { amount = amount or 100 }, 201, body)
    end

    local VALID = "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/1f2692ec-9e51-42b7-8"
      .. "0c4-0"
      .. "5c7105c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG6009SAO_PAULO62070503***"
      .. "63040687"

    it("verifies what begins as a BR Code, and keeps the charge's id if it is not one", function()
      local _, value = charge(VALID)
      assert.equal("brcode", value.code_kind)
      local _, members, err = charge((VALID:gsub("0687$", "0688")))
      assert.same({ "protocol", "yes", ID }, { err.kind, err.sent, members.id })
      assert.truthy(err.hint:find("do not show", 1, true))
    end)

    it("recognises base64 JSON and never compares its amount strictly", function()
      local _, value = charge(CODE, 36599)
      assert.equal("base64-json", value.code_kind)
    end)

    it("calls the rest opaque, and refuses what is no text", function()
      local _, value = charge("any text")
      assert.equal("opaque", value.code_kind)
      _, value = charge("WzFd")
      assert.equal("opaque", value.code_kind)
      for _, code in ipairs { "a\nb", ("x"):rep(2049) } do
        local _, members, err = charge(code)
        assert.same({ "protocol", "yes", ID }, { err.kind, err.sent, members.id })
      end
    end)
  end)

  it("S4 reads value from a string or a number, and compares it", function()
    for value, kind in pairs { ['"365.99"'] = false, ["365.99"] = false, ["null"] = false,
      ['"365.98"'] = "mismatch", ["366"] = "mismatch", ["365.995"] = "protocol",
      ['"abc"'] = "protocol", ["-1"] = "protocol" } do
      local body = CREATED:gsub('"365.99"', (value:gsub("%%", "%%%%")))
      local _, result, err = answer("charge", { amount = 36599 }, 201, body)
      assert.equal(kind, err and err.kind or false, value)
      if kind then
        assert.same({ "yes", ID }, { err.sent, result.id })
      else
        assert.equal(36599, result.amount)
      end
    end
  end)

  it("S5 reads the three shapes of errors; OAuth's are about credentials", function()
    local _, members, err = answer("charge", { amount = 1 }, 400,
      '{"message":"O campo device_code é obrigatório.","errors":{"device_code":["a","b"]}}')
    assert.same({ "invalid", "device_code", "O campo device_code é obrigatório." },
      { err.kind, err.field, err.message })
    assert.same({ device_code = { "a", "b" } }, members.fields)
    _, members, err = answer("status", ID, 404, '{"message":"não foi encontrado","errors":{"uui'
      .. 'd":["x"]}}')
    assert.same({ "not_found", "uuid", ID }, { err.kind, err.field, members.id })
    _, members, err = answer("status", ID, 500, '{"message":"Não foi possível"}')
    assert.same({ "unavailable", "yes" }, { err.kind, err.sent })
    assert.is_nil(members.fields)
    for _, status in ipairs { 400, 401 } do
      _, _, err = answer("charge", { amount = 1 }, status, '{"error":"invalid_client",'
        .. '"error_description":"Client authentication failed","message":"Client authenticatio'
        .. 'n failed"}')
      assert.same({ "auth", "invalid_client", "Client authentication failed" },
        { err.kind, err.code, err.message })
    end
  end)

  describe("S6", function()
    it("refuses a refund of a part before anything is sent", function()
      assert.same({ "unsupported", "amount", "no" }, refused("refund", { charge = CHARGE,
        amount = 1 }))
      assert.same({ "invalid", "amount", "no" }, refused("cancel", { charge = CHARGE, amount = 1 }))
      assert.truthy(encode("refund", { charge = CHARGE, amount = "365.99" }))
    end)

    it("wants to know the amount", function()
      assert.same({ "invalid", "amount", "no" }, refused("refund", ID))
      assert.same({ "invalid", "amount", "no" }, refused("cancel", { id = ID }))
      local request = encode("refund", { id = ID, amount = 36599 })
      assert.equal('{"device_code":"dev 1","value":365.99}', request.body)
    end)

    it("calls a 409 a conflict", function()
      local _, _, err = answer("cancel", CHARGE, 409, '{"message":"Não é possível cancelar"}')
      assert.same({ "conflict", "yes" }, { err.kind, err.sent })
    end)
  end)

  it("S7 puts the uuid into the path as one segment, and a body into DELETE", function()
    local request = encode("cancel", { id = "a/../b?c", amount = 5 })
    assert.same({ "DELETE", "https://apipix.pdvssgbank.com/api/qrcode/a%2F..%2Fb%3Fc/cancel",
      '{"device_code":"dev 1","value":0.05}' }, { request.method, request.url, request.body })
    assert.truthy(encode("refund", CHARGE).url:find("/" .. ID .. "/refund", 1, true))
  end)

  it("never takes an answer about another charge, or another amount, for this one's", function()
    local _, members, err = answer("refund", CHARGE, 200,
      '{"id":"other","value":365.99,"status":"REFUNDED"}')
    assert.same({ "protocol", "yes", ID }, { err.kind, err.sent, members.id })
    _, _, err = answer("refund", CHARGE, 200, '{"value":1,"status":"REFUNDED"}')
    assert.same({ "mismatch", "yes" }, { err.kind, err.sent })
  end)

  it("is not sure of a charge without a code or an id", function()
    local _, members, err = answer("charge", { amount = 100 }, 201,
      '{"id":"abc","status":"PENDING"}')
    assert.same({ "protocol", "maybe", "abc" }, { err.kind, err.sent, members.id })
    for _, id in ipairs { '"' .. ("x"):rep(129) .. '"', '".."', '1.5', '""', '"a\\u0000b"' } do
      _, _, err = answer("charge", { amount = 100 }, 201,
        ('{"id":%s,"qr_code_text":"x"}'):format(id))
      assert.same({ "protocol", "maybe" }, { err.kind, err.sent })
    end
    local _, value = answer("charge", { amount = 100 }, 201, '{"id":91,"qr_code_text":"x"}')
    assert.equal("91", value.id)
  end)
end)
