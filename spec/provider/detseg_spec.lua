local probe = require "codec_probe"
local cjson = require "cjson"
local contract = require "spec.support.contract"

local OPTIONS = { client_id = "client-17", client_token = "t0ken-of-detseg" }
local PAYMENT = { client_id = "client-17", client_token = "t0ken-of-detseg", user_id = "user-9",
  dialect = "payment" }
local PAYER = { name = "Maria da Silva", tax_id = "529.982.247-25", email = "maria@example.com",
  phone = "11999999999" }
-- detsegpay.txt, "Geração do Pix"
local ID = "962356c0-69e6-493c-b155-6c3e8e59c284"
local CODE = "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/1f2692ec-9e51-42b7-80c4-0"
  .. "5c7105"
  .. "c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG6009SAO_PAULO62070503***63040687"
local PNG = "iVBORw0KGgoAAAANSUhEUgAAAjoAAAI6AQAAAAAGM99t"
local CREATED = ('{"message":"Código PIX gerado com sucesso","transaction_id":"%s",'
  .. '"payment_code":"%s","payment_qr_code":"%s"}'):format(ID, CODE, PNG)
local ARGS = { amount = 100, description = "Café", payer = PAYER }

local function found(status, more)
  return ('{"transactions":[{"transaction_id":"%s","status":"%s"%s}]}'):format(ID, status,
    more or "")
end

local DEMANDS = { amount = true, ["payer.name"] = true, ["payer.tax_id"] = true,
  ["payer.email"] = true, ["payer.phone"] = true, payer = nil }

contract("detseg", {
  options = OPTIONS,
  required = { "client_id", "client_token" },
  secrets = { OPTIONS.client_token },
  renews = true,
  demands = DEMANDS,
  operations = {
    charge = { class = "create", args = ARGS, reply = { status = 201, body = CREATED },
      result = { id = ID, amount = 100, status = "pending", code = CODE, code_kind = "brcode",
        qr_png = PNG } },
    status = { class = "read", args = ID, reply = { body = found "pending" },
      result = { id = ID, status = "pending" } },
    search = { class = "read", args = { from = "2026-01-01", to = "2026-01-31" },
      reply = { body = found("paid", ',"value":1.0') } },
  },
})

describe("detseg", function()
  local account

  before_each(function() account = assert(probe.account("detseg", OPTIONS)) end)

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

  local function answer(operation, args, status, body)
    return select(2, account:decode(encode(operation, args), { status = status, body = body }, nil,
      true))
  end

  it("sends what the document shows", function()
    local token = encode "token"
    assert.same({ "https://api.detsegpay.com/v1/token",
      '{"client_environment":"prd","client_id":"client-17","client_token":"t0ken-of-detseg"}' },
      { token.url, token.body })
    local charge = encode("charge", ARGS)
    assert.equal("https://api.detsegpay.com/v1/transactions/buy", charge.url)
    assert.equal('{"amount":1.00,"description":"Café","email":"maria@example.com",'
      .. '"full_name":"Maria da Silva","identification":"52998224725",'
      .. '"phone_number":"+5511999999999"}', charge.body)
    local status = encode("status", ID)
    assert.same({ "POST", "https://api.detsegpay.com/v1/transactions/query",
      ('{"transaction_id":"%s"}'):format(ID) }, { status.method, status.url, status.body })
  end)

  it("reads every status word, in either case", function()
    for word, status in pairs { pending = "pending", liquidated = "paid", paid = "paid",
      released = "paid", completed = "paid", rejected = "rejected", LIQUIDATED = "paid" } do
      local value = answer("status", ID, 200, found(word))
      assert.same({ status, word }, { value.status, value.raw_status })
    end
  end)

  it("lets the description out when there is none", function()
    assert.is_nil(encode("charge", { amount = 100, payer = PAYER }).body:find("description"))
  end)

  describe("D1", function()
    it("speaks the other dialect when it is told to", function()
      account = assert(probe.account("detseg", PAYMENT))
      assert.same({ "https://api.detsegpay.com/v1/auth",
        '{"client_id":"client-17","client_token":"t0ken-of-detseg"}' },
        { encode("token").url, encode("token").body })
      local charge = encode("charge", ARGS)
      local body = cjson.decode(charge.body)
      assert.same({ "https://api.detsegpay.com/v1/payment/pix", "client-17", "user-9" },
        { charge.url, body.client_id, body.id })
      assert.same({ "https://api.detsegpay.com/v1/payment/status", '{"id":"x"}' },
        { encode("status", "x").url, encode("status", "x").body })
      local search = encode("search", { id = "x" })
      assert.same({ "https://api.detsegpay.com/v1/payment/search",
        '{"client_id":"client-17","id":"x"}' }, { search.url, search.body })
    end)

    it("needs user_id there", function()
      local _, err = probe.account("detseg", { client_id = "a", client_token = "bbbb",
        dialect = "payment" })
      assert.same({ "config", "user_id" }, { err.kind, err.field })
      _, err = probe.account("detseg", { client_id = "a", client_token = "bbbb", dialect = "x" })
      assert.same({ "config", "dialect" }, { err.kind, err.field })
    end)

    it("understands replies of either shape in either dialect", function()
      for _, options in ipairs { OPTIONS, PAYMENT } do
        account = assert(probe.account("detseg", options))
        assert.equal(ID, answer("charge", ARGS, 201, CREATED).id)
        local other = answer("charge", ARGS, 200, ('{"id":"%s","qrcode":"%s"}'):format(ID, CODE))
        assert.same({ ID, CODE }, { other.id, other.code })
        for _, body in ipairs { found "paid", ('{"id":"%s","status":"paid"}'):format(ID),
          '{"status":"paid"}', ('[{"id":"%s","status":"paid"}]'):format(ID),
          '{"transactions":[{"status":"paid"}]}' } do
          assert.equal("paid", answer("status", ID, 200, body).status, body)
        end
      end
    end)
  end)

  describe("D2", function()
    it("sends reais with two decimals, or centavos when it is told to", function()
      assert.equal("10000.00", encode("charge", { amount = 1000000,
        payer = PAYER }).body:match('"amount":([^,]+)'))
      account = assert(probe.account("detseg", { client_id = "a", client_token = "bbbb",
        amount_unit = "centavos" }))
      assert.equal("1990", encode("charge", { amount = "19.90",
        payer = PAYER }).body:match('"amount":([^,]+)'))
    end)

    it("compares the amount that a code or a query carries", function()
      local code = "00020126330014br.gov.bcb.pix0111529982247255204000053039865405"
        .. "10.005802BR5905MARIA6009SAO PAULO62070503***6304"
      local crc = 0xFFFF
      -- CRC-16/CCITT-FALSE, in arithmetic that both VMs have
      local function xor(a, b)
        local r, bit = 0, 1
        while a > 0 or b > 0 do
          if a % 2 ~= b % 2 then r = r + bit end
          a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
        end
        return r
      end
      for i = 1, #code do
        crc = xor(crc, code:byte(i) * 256)
        for _ = 1, 8 do
          crc = crc >= 0x8000 and xor((crc * 2) % 0x10000, 0x1021) or (crc * 2) % 0x10000
        end
      end
      local body = ('{"transaction_id":"%s","payment_code":"%s%04X"}'):format(ID, code, crc)
      assert.equal(1000, answer("charge", { amount = 1000, payer = PAYER }, 201, body).amount)
      local _, members, err = account:decode(encode("charge", ARGS), { status = 201, body = body })
      assert.same({ "mismatch", "yes", ID }, { err.kind, err.sent, members.id })
      local charge = { id = ID, provider = "detseg", amount = 100 }
      assert.equal(100, answer("status", charge, 200, found("paid", ',"value":1.0')).amount)
      _, members, err = account:decode(encode("status", charge),
        { body = found("paid", ',"value":1000.0') })
      assert.same({ "mismatch", "yes", ID }, { err.kind, err.sent, members.id })
    end)
  end)

  it("D3 takes any 2xx with an id and a code, and is not sure of one without", function()
    for _, status in ipairs { 200, 201, 202 } do
      assert.equal(ID, answer("charge", ARGS, status, CREATED).id)
    end
    for _, body in ipairs { ('{"transaction_id":"%s"}'):format(ID),
      ('{"payment_code":"%s"}'):format(CODE), '{"message":"ok"}' } do
      local _, _, err = account:decode(encode("charge", ARGS), { status = 201, body = body })
      assert.same({ "protocol", "maybe" }, { err.kind, err.sent })
    end
  end)

  it("D4 takes phones as people write them, and sends E.164", function()
    for _, phone in ipairs { "5511987654321", "11987654321", "+5511987654321",
      "(11) 98765-4321" } do
      local payer = { name = "M", tax_id = "52998224725", email = "m@a.example", phone = phone }
      local body = encode("charge", { amount = 1, payer = payer }).body
      assert.equal("+5511987654321", cjson.decode(body).phone_number)
    end
  end)

  it("D5 gives a charge the class that is not repeated when its outcome is not known", function()
    assert.equal("create", encode("charge", ARGS).class)
  end)

  it("D6 takes expires_in past 1e9 for a point in time", function()
    local now = 1750000000
    local _, expires = account:token({ body = '{"access_token":"a","expires_in":1750000600}' }, now)
    assert.equal(now + 540, expires)
    _, expires = account:token({ body = '{"access_token":"a","expires_in":600}' }, now)
    assert.equal(now + 540, expires)
    _, expires = account:token({ body = '{"access_token":"a","expires_in":20}' }, now)
    assert.equal(now + 10, expires)
  end)

  it("D7 tells an empty answer from a failure", function()
    for _, query in ipairs { { "status", ID }, { "search", { id = ID } } } do
      local _, members, err = account:decode(encode(query[1], query[2]),
        { body = '{"transactions":[]}' })
      assert.same({ "not_found", "yes", ID }, { err.kind, err.sent, members.id })
    end
    assert.same({}, answer("search", { from = 0, to = 1 }, 200, '{"transactions":[]}'))
    local _, _, err = account:decode(encode("status", ID),
      { body = '{"transactions":[{"transaction_id":"other","status":"paid"}]}' })
    assert.equal("not_found", err.kind)
  end)

  describe("D8", function()
    it("writes dates of São Paulo without a zone", function()
      local cases = {
        { "2026-01-01", "2026-01-31", "2026-01-01T00:00:00", "2026-01-31T23:59:59" },
        { "2026-01-01T10:00:00", "2026-01-01 11:00:00", "2026-01-01T10:00:00",
          "2026-01-01T11:00:00" },
        { "2026-01-01T10:00:00Z", "2026-01-01T11:00:00-03:00", "2026-01-01T07:00:00",
          "2026-01-01T11:00:00" },
        { 0, 86400, "1969-12-31T21:00:00", "1970-01-01T21:00:00" },
      }
      for _, case in ipairs(cases) do
        local body = cjson.decode(encode("search", { from = case[1], to = case[2] }).body)
        assert.same({ case[3], case[4] }, { body.start_date, body.end_date })
      end
    end)

    it("wants an id, or both dates in order", function()
      assert.same({ "invalid", "from", "no" }, refused("search", {}))
      assert.same({ "invalid", "to", "no" }, refused("search", { from = 0 }))
      assert.same({ "invalid", "from", "no" }, refused("search", { to = 0 }))
      assert.same({ "invalid", "to", "no" }, refused("search", { from = 5, to = 4 }))
      assert.same({ "invalid", "id", "no" }, refused("search", { id = "x", from = 0, to = 1 }))
      assert.same({ "invalid", "from", "no" }, refused("search", { from = "yesterday", to = 1 }))
      assert.same({ "invalid", "to", "no" }, refused("search", { from = 0, to = 0 / 0 }))
      assert.same({ "invalid", nil, "no" }, refused("search", "x"))
    end)
  end)

  it("D9 offers the provider's picture as base64, if it is one", function()
    assert.equal(PNG, answer("charge", ARGS, 201, CREATED).qr_png)
    assert.equal(PNG, answer("charge", ARGS, 201,
      (CREATED:gsub("iVBOR", "data:image/png;base64,iVBOR"))).qr_png)
    assert.is_nil(answer("charge", ARGS, 201, (CREATED:gsub("iVBOR", "xVBOR"))).qr_png)
  end)

  it("D10 names the IP allow-list after a 403", function()
    local _, _, err = account:decode(encode("charge", ARGS), { status = 403, body = "" })
    assert.same({ "auth", "yes" }, { err.kind, err.sent })
    assert.truthy(err.hint:find("allow-list", 1, true))
  end)

  it("D11 reads errors of the earlier edition, and no body at all", function()
    local _, members, err = account:decode(encode("charge", ARGS),
      { status = 400, body = '{"error":"invalid_request","message":"CPF inválido"}' })
    assert.same({ "invalid", "invalid_request", "CPF inválido" }, { err.kind, err.code,
      err.message })
    assert.equal("invalid_request", members.raw.error)
    _, members, err = account:decode(encode("charge", ARGS), { status = 500, body = "" })
    assert.same({ "unavailable", "maybe", "HTTP 500 with an empty body" },
      { err.kind, err.sent, err.message })
    assert.is_nil(members)
  end)

  it("D11 reports search results with what they carry", function()
    local list = answer("search", { from = 0, to = 1 }, 200, '{"transactions":['
      .. '{"transaction_id":"a","status":"paid","value":1.0,"created_at":"2025-01-02T03:04:05Z"},'
      .. '{"id":7,"status":"NOVO","value":1000.0}]}')
    assert.equal(2, #list)
    assert.same({ "a", "paid", 100, "2025-01-02T03:04:05Z", "detseg" },
      { list[1].id, list[1].status, list[1].amount, list[1].created_at, list[1].provider })
    assert.same({ "7", "unknown", "NOVO", 100000 },
      { list[2].id, list[2].status, list[2].raw_status, list[2].amount })
  end)
end)
