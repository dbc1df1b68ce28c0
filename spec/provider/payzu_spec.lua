local probe = require "codec_probe"
local cjson = require "cjson"
local contract = require "spec.support.contract"

local OPTIONS = { api_key = "k3y-of-payzu", webhook_url = "https://shop.example/hook",
  webhook_secret = "hush-hush" }
local CODE = "00020126850014br.gov.bcb.pix2563pix.voluti.com.br/qr/v3/at/"
  .. "ea34d2ff-6b0a-46af-9b83-9cbb516204875204000053039865802BR5925PAYZU_INSTITUICAO_DE_PAGA"
  .. "6014TEIXEIRA_DE_FR62070503***6304A70D"
local ID = "PIX123456789"
local CREATED = ('{"id":"%s","qrCodeText":"%s","qrCodeUrl":"https://api.qrserver.com/x",'
  .. '"status":"PENDING"}'):format(ID, CODE)
local PAYER = { name = "João Silva", tax_id = "529.982.247-25", email = "joao@example.com",
  phone = "+5511999999999" }
local NOW = 1750000000 -- June 2025
local CARD = { number = "4111 1111 1111 1111", cvv = "737", expiry = "12/2030",
  holder = "JOAO SILVA" }

local function stated(transaction, venda)
  return ('{"transaction":{"id":"%s","status":"%s"}%s}'):format(ID, transaction,
    venda and (',"venda":{"id":"91","status":"%s","valor":"100.00"}'):format(venda) or "")
end

local function subscription(more)
  local args = { plan = "PLAN123", payer = PAYER, card = probe.card(CARD) }
  for k, v in pairs(more or {}) do args[k] = v end
  return args
end

local SUBSCRIBED = '{"success":true,"message":"Transação aprovada",'
  .. '"subscription_id":"SUB65d4f789abc123","transaction_id":"TRX987654321",'
  .. '"status":"aprovado","valor_liquido":95.50,'
  .. '"proxima_cobranca":"2024-03-21 10:00:00"}'
local DEFERRED = '{"success":true,"message":"Pré-Autorização realizada com sucesso",'
  .. '"subscription_id":"SUB65d4f789abc123","transaction_id":"TRX987654321","status":"aprovado",'
  .. '"trial_ends_at":"2024-03-21 10:00:00","first_charge_date":"2024-03-22 10:00:00"}'

contract("payzu", {
  options = OPTIONS,
  required = { "api_key" },
  secrets = { OPTIONS.api_key, OPTIONS.webhook_secret },
  renews = false,
  demands = { amount = true },
  operations = {
    charge = { class = "create", args = { amount = 10000, payer = PAYER },
      reply = { status = 200, body = CREATED },
      result = { id = ID, amount = 10000, status = "pending", code = CODE, code_kind = "brcode" } },
    status = { class = "read", args = ID, reply = { body = stated("completed", "aprovado") },
      result = { id = ID, status = "paid", raw_status = "completed", amount = 10000 } },
    check = { class = "read", reply = { body = stated "pending" } },
    subscribe = { class = "capture", args = subscription(), reply = { body = SUBSCRIBED },
      result = { id = "SUB65d4f789abc123", transaction_id = "TRX987654321", status = "paid",
        raw_status = "aprovado", next_charge_at = "2024-03-21 10:00:00" } },
  },
})

describe("payzu", function()
  local account

  before_each(function() account = assert(probe.account("payzu", OPTIONS)) end)

  local function encode(operation, args)
    local request, err = account:encode(operation, args, NOW)
    assert.is_nil(err and err.message)
    return request
  end

  local function refused(operation, args, now)
    local request, err = account:encode(operation, args, now or NOW)
    assert.is_nil(request)
    return { err.kind, err.field, err.sent }
  end

  local function answer(operation, args, status, body)
    local _, value, err = account:decode(encode(operation, args), { status = status, body = body },
      NOW, true)
    return value, err
  end

  it("sends what the document shows", function()
    assert.same({ "X-Api-Key", "k3y-of-payzu" }, { account:auth() })
    local charge = encode("charge", { amount = 10000, payer = PAYER })
    assert.same({ "POST", "https://api.payzuplus.com.br/pix/create" }, { charge.method,
      charge.url })
    assert.equal('{"amount":100.00,"customer":{"document":"52998224725","email":"joao@example.com",'
      .. '"nome":"João Silva","telefone":"+5511999999999"},"webhook":"https://shop.example/hook"}',
      charge.body)
    local bare = encode("charge", { amount = 1, webhook = "https://other.example/" })
    assert.equal('{"amount":0.01,"webhook":"https://other.example/"}', bare.body)
    local status = encode("status", ID)
    assert.same({ "https://api.payzuplus.com.br/pix/status", '{"id":"PIX123456789"}' },
      { status.url, status.body })
  end)

  it("reads every status word; paid needs a sale that was not cancelled", function()
    for word, status in pairs { pending = "pending", pendente = "pending", completed = "paid",
      expired = "expired", expirado = "expired", canceled = "cancelled", cancelled = "cancelled",
      cancelado = "cancelled", COMPLETED = "paid" } do
      local value = answer("status", ID, 200, stated(word))
      assert.same({ status, word }, { value.status, value.raw_status })
    end
    for pair, status in pairs { ["completed pendente"] = "paid",
      ["completed cancelado"] = "cancelled",
      ["pending cancelado"] = "cancelled", ["expired cancelado"] = "expired",
      ["new cancelado"] = "unknown", ["pending aprovado"] = "pending" } do
      local transaction, venda = pair:match("(%S+) (%S+)")
      assert.equal(status, answer("status", ID, 200, stated(transaction, venda)).status, pair)
    end
    assert.equal("completed/cancelado", answer("status", ID, 200, stated("completed",
      "cancelado")).raw_status)
  end)

  it("checks the key by a question about a charge that cannot be", function()
    local request = encode "check"
    assert.same({ "POST", "read", true }, { request.method, request.class, request.auth })
    for _, status in ipairs { 200, 400, 404 } do
      assert.is_true(answer("check", nil, status, '{"error":"não encontrado"}'))
    end
    for status, kind in pairs { [401] = "auth", [403] = "auth", [500] = "unavailable" } do
      local _, err = answer("check", nil, status, '{"error":"x"}')
      assert.equal(kind, err.kind)
    end
    local _, err = answer("check", nil, 400, '{"error":"Chave de API inválida"}')
    assert.same({ "auth", "401" }, { err.kind, err.code })
    _, err = answer("check", nil, 404, "<html>nginx</html>")
    assert.equal("not_found", err.kind)
  end)

  it("P1 talks https by default", function()
    assert.equal("https://", encode("status", "x").url:sub(1, 8))
    local _, err = probe.account("payzu", { api_key = "kkkk",
      base_url = "http://api.payzuplus.com.br" })
    assert.same({ "config", "base_url" }, { err.kind, err.field })
  end)

  it("P2 demands a webhook, of the charge or of the account", function()
    account = assert(probe.account("payzu", { api_key = "kkkk" }))
    assert.same({ "invalid", "webhook", "no" }, refused("charge", { amount = 1 }))
    assert.truthy(encode("charge", { amount = 1, webhook = "http://localhost:8080/hook" }))
    local _, err = probe.account("payzu", { api_key = "kkkk",
      webhook_url = "http://shop.example/" })
    assert.same({ "config", "webhook_url" }, { err.kind, err.field })
  end)

  describe("P3", function()
    it("maps codes, texts and statuses", function()
      local cases = {
        { 400, '{"code":4001,"error":"x"}', "declined", "yes", "4001" },
        { 400, '{"code":"4002","error":"x"}', "declined", "yes", "4002" },
        { 400, '{"code":4003,"error":"x"}', "invalid", "yes", "4003", "payer.tax_id" },
        { 400, '{"code":4004,"error":"x"}', "not_found", "yes", "4004", "plan" },
        { 400, '{"code":5001,"error":"x"}', "unavailable", "maybe", "5001" },
        { 503, '{"code":5002,"error":"x"}', "unavailable", "maybe", "5002" },
        { 400, '{"code":401,"error":"x"}', "auth", "yes", "401" },
        { 400, '{"error":"Cartão expirado","details":"Verifique os logs"}', "declined", "yes",
          "4001" },
        { 400, '{"error":"Cartão com fundos insuficientes"}', "declined", "yes", "4002" },
        { 400, '{"error":"CPF inválido","details":"x"}', "invalid", "yes", "4003", "payer.tax_id" },
        { 404, '{"error":"Plano não encontrado"}', "not_found", "yes", "4004", "plan" },
        { 400, '{"error":"Erro de processamento"}', "unavailable", "maybe", "5001" },
        { 400, '{"error":"Serviço indisponível"}', "unavailable", "maybe", "5002" },
        { 200, '{"success":false,"message":"Transação recusada"}', "declined", "yes" },
        { 200, '{"success":true,"subscription_id":"S","status":"recusado"}', "declined", "yes" },
        { 200, '{"success":false,"message":"?"}', "protocol", "maybe" },
        { 500, '{"code":4001,"error":"x"}', "declined", "maybe", "4001" },
        { 400, '{"error":"outra coisa"}', "invalid", "yes" },
        { 401, "", "auth", "yes" },
      }
      for _, case in ipairs(cases) do
        local _, err = answer("subscribe", subscription(), case[1], case[2])
        assert.same({ case[3], case[4], case[5] }, { err.kind, err.sent, err.code }, case[2])
        if case[6] then assert.equal(case[6], err.field) end
      end
    end)

    it("keeps the provider's words and details", function()
      local _, err = answer("charge", { amount = 1 }, 400,
        '{"error":"CPF inválido","details":"do pagador"}')
      assert.equal("CPF inválido: do pagador", err.message)
    end)
  end)

  it("P4 takes one payer, and gives plans and charges their own names", function()
    local body = cjson.decode(encode("subscribe", subscription()).body)
    assert.same({ name = "João Silva", identity = "52998224725", email = "joao@example.com",
      phone = "+5511999999999" }, body.customer)
    for _, part in ipairs { "name", "tax_id", "email", "phone" } do
      local payer = {}
      for k, v in pairs(PAYER) do payer[k] = v end
      payer[part] = nil
      assert.same({ "invalid", "payer." .. part, "no" }, refused("subscribe",
        subscription { payer = payer }))
    end
  end)

  it("P5 reads amounts from numbers and strings, exactly", function()
    for value, amount in pairs { ['"100.00"'] = 10000, ["100"] = 10000, ["100.00"] = 10000,
      ["0.1"] = 10, ['"1234.56"'] = 123456 } do
      local body = '{"transaction":{"id":"%s","status":"completed"},"venda":{"valor":%s}}'
      body = body:format(ID, value)
      assert.equal(amount, answer("status", ID, 200, body).amount, value)
    end
    local _, err = answer("status", { id = ID, provider = "payzu", amount = 5 }, 200,
      stated("completed", "aprovado"))
    assert.same({ "mismatch", "yes" }, { err.kind, err.sent })
  end)

  it("P6 keeps the dates of a reply in raw, and nowhere else", function()
    local body = ('{"transaction":{"id":"%s","status":"pending","created_at":"2025-02-19 20:58:'
      .. '02"}}'):format(ID)
    local value = answer("status", ID, 200, body)
    assert.equal("2025-02-19 20:58:02", value.raw.transaction.created_at)
    assert.is_nil(value.created_at)
  end)

  it("P7 does not make use of qrCodeUrl", function()
    local value = answer("charge", { amount = 10000 }, 200, CREATED)
    assert.is_nil(value.qr_png)
    assert.equal("https://api.qrserver.com/x", value.raw.qrCodeUrl)
  end)

  describe("P8", function()
    local BODY = '{"transaction":{"id":"PIX1","status":"completed","amount":100},"venda":{"stat'
      .. 'us":"aprovado"}}'
    -- openssl dgst -sha256 -hmac hush-hush
    local HEX = "b322475c5894f06d7f65b60904d0b3a7b87beefb6f015bfec87b54f5a2864bf3"
    local BASE64 = "syJHXFiU8G1/ZbYJBNCzp7h77vtvAVv+yHtU9aKGS/M="

    it("takes hex of either case, sha256= and base64", function()
      for _, signature in ipairs { HEX, HEX:upper(), "sha256=" .. HEX, BASE64, (BASE64:gsub("=",
        "")) } do
        local event, err = probe.webhook("payzu", BODY, signature, { "hush-hush" })
        assert.is_nil(err and err.message)
        assert.same({ "payzu", "PIX1", "paid", "completed", 10000, "payzu:PIX1:paid" },
          { event.provider, event.id, event.status, event.raw_status, event.amount, event.key })
        assert.equal("aprovado", event.raw.venda.status)
      end
    end)

    it("takes any secret of a rotation, and no other", function()
      assert.truthy(probe.webhook("payzu", BODY, HEX, { "new-one", "hush-hush" }))
      for _, case in ipairs { { HEX, { "other" } }, { HEX, {} }, { "", { "hush-hush" } },
        { HEX:sub(1, 63), { "hush-hush" } }, { HEX .. "0", { "hush-hush" } },
        { ("0"):rep(64), { "hush-hush" } } } do
        local event, err = probe.webhook("payzu", BODY, case[1], case[2])
        assert.is_nil(event)
        assert.same({ "auth", "signature" }, { err.kind, err.field })
      end
      local event = probe.webhook("payzu", BODY .. " ", HEX, { "hush-hush" })
      assert.is_nil(event)
    end)

    it("refuses a signed body that says nothing", function()
      local event, err = probe.webhook("payzu", "{}",
        "7e1d3e41a3ad9c431bdd691551eccb3a05aa64f3b4ca8b82ef9704bb0573f0bc", { "hush-hush" })
      assert.is_nil(event)
      assert.same({ "invalid", "body" }, { err.kind, err.field })
    end)

    it("knows which providers send none", function()
      local _, err = probe.webhook("ssg", BODY, HEX, { "hush-hush" })
      assert.equal("unsupported", err.kind)
    end)
  end)

  describe("P9", function()
    it("sends a card as MM/YYYY, in a body that is wiped", function()
      for _, expiry in ipairs { "12/2030", "12/30" } do
        local request = encode("subscribe", subscription { card = probe.card { number = CARD.number,
          cvv = CARD.cvv, expiry = expiry, holder = CARD.holder } })
        assert.is_true(request.secret)
        assert.same({ card_number = "4111111111111111", security_code = "737",
          expiration_date = "12/2030", card_holder_name = "JOAO SILVA" },
          cjson.decode(request.body).payment)
      end
    end)

    it("refuses expired cards, wrong numbers, and what is no card", function()
      assert.same({ "invalid", "card.expiry", "no" }, refused("subscribe", subscription(),
        1950000000))
      local wrong = probe.card { number = "4111111111111112", cvv = "123", expiry = "12/2030",
        holder = "J", strict = false }
      assert.same({ "invalid", "card.number", "no" }, refused("subscribe",
        subscription { card = wrong }))
      for _, card in ipairs { CARD, "4111111111111111", 5, io.stdout } do
        assert.same({ "invalid", "card", "no" }, refused("subscribe", subscription { card = card }))
      end
      local closed = probe.card(CARD)
      probe.card_close(closed)
      assert.same({ "invalid", "card", "no" }, refused("subscribe", subscription { card = closed }))
      assert.same({ "invalid", "card", "no" }, refused("subscribe", { plan = "P", payer = PAYER }))
    end)

    it("lets a simulator's numbers pass with validate = false", function()
      account = assert(probe.account("payzu", { api_key = "kkkk", validate = false,
        webhook_url = "https://shop.example/" }))
      local card = probe.card { number = "4111111111111112", cvv = "123", expiry = "12/2020",
        holder = "J", strict = false }
      local payer = { name = "J", tax_id = "123.456.789-00", email = "j@a.example",
        phone = "11999999999" }
      local request = account:encode("subscribe", subscription { card = card, payer = payer }, NOW)
      assert.equal("12345678900", cjson.decode(request.body).customer.identity)
      assert.same({ "invalid", "payer.tax_id", "no" },
        refused("charge", { amount = 1, payer = { tax_id = "123" } }))
    end)

    it("wants a plan, and true or false", function()
      assert.same({ "invalid", "plan", "no" }, refused("subscribe", { payer = PAYER,
        card = probe.card(CARD) }))
      assert.same({ "invalid", "plan", "no" }, refused("subscribe", subscription { plan = "" }))
      assert.same({ "invalid", "trial", "no" }, refused("subscribe",
        subscription { trial = "yes" }))
      assert.same({ "invalid", "send_confirmation", "no" },
        refused("subscribe", subscription { send_confirmation = 1 }))
    end)

    it("never echoes the security code", function()
      local value, err = answer("subscribe", subscription(), 400,
        '{"error":"security_code 737 inválido","details":"TRX97371 737"}')
      assert.equal("security_code [redacted] inválido: TRX97371 [redacted]", err.message)
      assert.equal("TRX97371 [redacted]", value.raw.details)
    end)
  end)

  it("P10 has no cancel, refund or search", function()
    for _, operation in ipairs { "cancel", "refund", "search" } do
      assert.same({ "unsupported", nil, "no" }, refused(operation, "x"))
    end
  end)

  it("P11 knows periods as days, and gives the reply's next date", function()
    for word, days in pairs { semanal = 7, mensal = 30, bimestral = 60, trimestral = 90,
      semestral = 180, anual = 365 } do
      local value = answer("subscribe", subscription(), 200,
        (SUBSCRIBED:gsub("}$", ',"frequencia":"' .. word .. '"}')))
      assert.same({ days, "2024-03-21 10:00:00" }, { value.period_days, value.next_charge_at })
    end
  end)

  it("begins a trial at the other address, and nothing is paid by it", function()
    local request = encode("subscribe", subscription { trial = true, send_confirmation = true })
    assert.same({ "https://api.payzuplus.com.br/plan/create-deferred-signature", "capture" },
      { request.url, request.class })
    assert.is_true(cjson.decode(request.body).send_confirmation)
    assert.equal("https://api.payzuplus.com.br/plan/create-signature",
      encode("subscribe", subscription { trial = false }).url)
    local value = answer("subscribe", subscription { trial = true }, 200, DEFERRED)
    assert.same({ "pending", "aprovado", "2024-03-21 10:00:00", "2024-03-22 10:00:00" },
      { value.status, value.raw_status, value.trial_ends_at, value.next_charge_at })
  end)
end)
