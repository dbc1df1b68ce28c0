local client = require("spec.support.sandbox_client")
local sandbox = require("pix.sandbox")

describe("the simulated payzu", function()
  local sb, call

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    call = client.open(sb, "payzu")
  end)

  local function charge()
    return (client.charge(sb, "payzu", call))
  end

  local function status(id)
    return call("/pix/status", { id = id })
  end

  local function subscribe(card, changes, deferred)
    return call(deferred and "/plan/create-deferred-signature" or "/plan/create-signature",
      client.subscription_body(card, changes))
  end

  it("makes a charge as documented", function()
    local reply = call("/pix/create", client.payzu_body())
    assert.are.equal(200, reply.status)
    assert.truthy(reply.data.id:match("^PIX%d+$"))
    assert.are.equal("PENDING", reply.data.status)
    assert.truthy(reply.data.qrCodeText:match("^000201.*540519%.90"))
    assert.truthy(reply.data.qrCodeUrl:match("^https://api%.qrserver%.com/"))
  end)

  it("refuses a wrong key", function()
    local reply = client.call(sb, "payzu", "/pix/create", client.payzu_body(),
      { headers = { "X-Api-Key: wrong" } })
    assert.are.equal(401, reply.status)
    assert.are.equal("Chave de API inválida", reply.data.error)
  end)

  it("takes the amount as a number or as text", function()
    for _, amount in ipairs({ 100, "100.00" }) do
      local reply = call("/pix/create", client.payzu_body({ amount = amount }))
      assert.are.equal(10000, sb.charge(reply.data.id).amount)
    end
  end)

  it("names what is missing or wrong", function()
    local body = client.payzu_body()
    body.webhook = nil
    assert.are.equal("O campo webhook é obrigatório.", call("/pix/create", body).data.details)
    assert.are.equal("O campo amount é inválido.",
      call("/pix/create", client.payzu_body({ amount = -1 })).data.details)
    local reply = call("/pix/create", client.payzu_body({ customer = { document = "123" } }))
    assert.are.equal(400, reply.status)
    assert.are.equal("CPF inválido", reply.data.error)
  end)

  it("tells of the transaction and of the sale, paid", function()
    local id = charge()
    assert.are.equal("pendente", status(id).data.venda.status)
    sb.pay(id)
    local reply = status(id)
    assert.are.equal("completed", reply.data.transaction.status)
    assert.are.equal("aprovado", reply.data.venda.status)
    assert.truthy(reply.body:find('"valor": 19.90,', 1, true))
    assert.are.equal("Ana", reply.data.venda.comprador.nome)
    assert.truthy(reply.data.transaction.created_at:match("^%d+%-%d+%-%d+ %d+:%d+:%d+$"))
  end)

  it("expires and cancels in Portuguese", function()
    local first, second = charge(), charge()
    sb.expire(first)
    sb.cancel(second)
    assert.are.equal("expirado", status(first).data.transaction.status)
    assert.are.equal("cancelado", status(second).data.transaction.status)
    assert.are.equal("cancelado", status(second).data.venda.status)
  end)

  it("does not find an unknown id", function()
    assert.are.equal(404, status("PIX1").status)
    assert.are.equal(400, call("/pix/status", "{}").status)
  end)

  it("subscribes and charges at once", function()
    local reply = subscribe()
    assert.are.equal(200, reply.status)
    assert.is_true(reply.data.success)
    assert.are.equal("Transação aprovada", reply.data.message)
    assert.truthy(reply.body:find('"valor_liquido": 95.50', 1, true))
    assert.truthy(reply.data.proxima_cobranca:match("^%d+%-"))
    local subscription = sb.ledger().subscriptions[1]
    assert.are.equal(reply.data.subscription_id, subscription.id)
    assert.is_false(subscription.trial)
  end)

  it("subscribes with a trial", function()
    local reply = subscribe(nil, nil, true)
    assert.are.equal("Pré-Autorização realizada com sucesso", reply.data.message)
    assert.are.equal(reply.data.trial_ends_at, reply.data.first_charge_date)
    assert.is_true(sb.ledger().subscriptions[1].trial)
  end)

  for _, case in ipairs({
    { "4000000000000069", 400, "Cartão expirado", "4001" },
    { "4000000000009995", 400, "Cartão com fundos insuficientes", "4002" },
    { "4000000000000119", 500, "Erro de processamento", "5001" },
    { "4000000000000259", 503, "Serviço indisponível", "5002" },
  }) do
    it("declines the test card of " .. case[4], function()
      assert.are.equal(case[1], sb.cards[case[4]])
      local reply = subscribe({ card_number = case[1] })
      assert.are.equal(case[2], reply.status)
      assert.are.same({ error = case[3], details = "Verifique os logs" }, reply.data)
      assert.are.equal(0, #sb.ledger().subscriptions)
    end)
  end

  it("declines an expired card, an unknown plan, a wrong document, a card that is none", function()
    assert.are.equal("Cartão expirado", subscribe({ expiration_date = "12/2025" }).data.error)
    assert.are.equal("Plano não encontrado", subscribe(nil, { plan_id = "X" }).data.error)
    assert.are.equal("Cartão inválido", subscribe({ card_number = "4111111111111112" }).data.error)
    local customer = { name = "Ana", identity = "11111111111", email = "a@b.c", phone = "+551199" }
    assert.are.equal("CPF/CNPJ inválido", subscribe(nil, { customer = customer }).data.error)
  end)

  it("names a missing member of the card", function()
    assert.are.equal("O campo payment.security_code é obrigatório.",
      subscribe({ security_code = "" }).data.details)
  end)

  it("shows no card in its list of requests", function()
    subscribe()
    local request = sb.requests({ operation = "subscribe" })[1]
    assert.is_nil(request.body:find("4111", 1, true))
    assert.is_nil(request.body:find("ANA SILVA", 1, true))
    assert.are.equal("[redacted]", request.headers["x-api-key"])
  end)
end)

describe("the simulated payzu with options", function()
  it("adds the code of its table to an error", function()
    local sb = sandbox.start({ payzu = { error_code = true } })
    finally(function() sb.stop() end)
    local reply = client.open(sb, "payzu")("/plan/create-signature",
      client.subscription_body({ card_number = sb.cards["4002"] }))
    assert.are.equal(4002, reply.data.code)
  end)
end)
