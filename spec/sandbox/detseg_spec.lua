local client = require("spec.support.sandbox_client")
local sandbox = require("pix.sandbox")

describe("the simulated detseg", function()
  local sb, call

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    call = client.open(sb, "detseg")
  end)

  local function query(id)
    return call("/transactions/query", { transaction_id = id })
  end

  it("issues a token", function()
    local reply = client.detseg_token(sb)
    assert.are.equal(200, reply.status)
    assert.are.equal("Bearer", reply.data.token_type)
    assert.are.equal(3600, reply.data.expires_in)
  end)

  it("refuses wrong credentials with 401 and missing ones with 400", function()
    local reply = client.detseg_token(sb, { client_token = "wrong" })
    assert.are.equal(401, reply.status)
    assert.are.same({ error = "unauthorized", message = "Credenciais inválidas." }, reply.data)
    reply = client.detseg_token(sb, { client_id = "" })
    assert.are.equal(400, reply.status)
    assert.are.equal("O campo client_id é obrigatório.", reply.data.message)
    assert.are.equal(400, client.detseg_token(sb, { client_environment = "dev" }).status)
  end)

  it("refuses a request without a good token", function()
    local reply = client.call(sb, "detseg", "/transactions/buy", client.detseg_body())
    assert.are.equal(401, reply.status)
    assert.are.equal("unauthorized", reply.data.error)
  end)

  it("makes a charge with a code and a picture", function()
    local reply = call("/transactions/buy", client.detseg_body())
    assert.are.equal(201, reply.status)
    assert.are.equal("Código PIX gerado com sucesso", reply.data.message)
    assert.truthy(reply.data.transaction_id:match("^%x+%-%x+%-4%x+%-%x+%-%x+$"))
    assert.truthy(reply.data.payment_code:match("^000201.*540519%.905802BR.*6304%x%x%x%x$"))
    assert.truthy(reply.data.payment_qr_code:match("^iVBORw0KGgo"))
  end)

  for field, value in pairs({ identification = "52998224724", email = "none",
    phone_number = "abc", amount = 0.001 }) do
    it("refuses a bad " .. field, function()
      local reply = call("/transactions/buy", client.detseg_body({ [field] = value }))
      assert.are.equal(400, reply.status)
      assert.are.equal("invalid_request", reply.data.error)
      assert.truthy(reply.data.message:find(field, 1, true))
    end)

    it("names a missing " .. field, function()
      local body = client.detseg_body()
      body[field] = nil
      local reply = call("/transactions/buy", body)
      assert.are.equal(400, reply.status)
      assert.are.equal(("O campo %s é obrigatório."):format(field), reply.data.message)
    end)
  end

  it("shows a charge as pending, then paid, with its value in reais and UTC", function()
    local id = client.charge(sb, "detseg", call)
    local item = query(id).data.transactions[1]
    assert.are.equal("pending", item.status)
    assert.are.equal(19.9, item.value)
    assert.truthy(item.created_at:match("^%d+%-%d+%-%d+T%d+:%d+:%d+Z$"))
    assert.are.equal("paid", sb.pay(id).status)
    assert.are.equal("paid", query(id).data.transactions[1].status)
  end)

  it("says any word that it is told to say", function()
    local id = client.charge(sb, "detseg", call)
    sb.pay(id, { raw_status = "liquidated" })
    assert.are.equal("liquidated", query(id).data.transactions[1].status)
    sb.say(id, "em análise")
    assert.are.equal("em análise", query(id).data.transactions[1].status)
  end)

  it("rejects", function()
    local id = client.charge(sb, "detseg", call)
    sb.reject(id)
    assert.are.equal("rejected", query(id).data.transactions[1].status)
  end)

  it("answers an unknown id with an empty list", function()
    local reply = query("none")
    assert.are.equal(200, reply.status)
    assert.truthy(reply.body:find('"transactions": []', 1, true))
  end)

  it("searches by dates in America/Sao_Paulo", function()
    local id = client.charge(sb, "detseg", call)
    local now = sb.charge(id).created_at
    local function search(from, to)
      local function date(offset)
        return os.date("!%Y-%m-%dT%H:%M:%S", now - 3 * 3600 + offset)
      end
      return call("/transactions/query", { start_date = date(from), end_date = date(to) }).data
    end
    assert.are.equal(id, search(-5, 5).transactions[1].transaction_id)
    assert.are.equal(0, #search(5, 10).transactions)
    assert.are.equal("invalid_request", search(5, -5).error)
  end)

  it("refuses a query without parameters", function()
    local reply = call("/transactions/query", "{}")
    assert.are.equal(400, reply.status)
    assert.are.equal("Parâmetros insuficientes para consulta.", reply.data.message)
  end)

  it("speaks the payment dialect", function()
    local token = call("/auth", { client_id = sb.credentials.detseg.client_id,
      client_token = sb.credentials.detseg.client_token }).data.access_token
    assert.is_string(token)
    local made = call("/payment/pix", client.detseg_body({ id = "user", client_id = "c" })).data
    assert.truthy(made.qrcode:match("^000201"))
    sb.pay(made.id)
    assert.are.equal("paid", call("/payment/status", { id = made.id }).data.status)
    local found = call("/payment/search", { client_id = "c", id = made.id }).data
    assert.are.equal(made.id, found.transactions[1].id)
    assert.are.equal(404, call("/payment/status", { id = "none" }).status)
  end)

  it("answers an unknown path with 404", function()
    assert.are.equal(404, call("/transactions/sell", "{}").status)
  end)
end)

describe("the simulated detseg with options", function()
  it("reads centavos, leaves the amount out of the code, dates tokens absolutely", function()
    local sb = sandbox.start({ detseg = { amount_unit = "centavos", amount_in_code = false,
      expires_as = "epoch" } })
    finally(function() sb.stop() end)
    assert.truthy(client.detseg_token(sb).data.expires_in > 1e9)
    local call = client.open(sb, "detseg")
    local reply = call("/transactions/buy", client.detseg_body({ amount = 1990 }))
    assert.are.equal(1990, sb.charge(reply.data.transaction_id).amount)
    assert.truthy(reply.data.payment_code:find("53039865802BR", 1, true))
  end)

  it("raises for an option that it does not have", function()
    assert.has_error(function() sandbox.start({ detseg = { colour = "red" } }) end)
  end)
end)
