local client = require("spec.support.sandbox_client")
local sandbox = require("pix.sandbox")

describe("the simulated ssg", function()
  local sb, call, device

  setup(function()
    sb = sandbox.start()
    device = sb.credentials.ssg.device_code
  end)
  teardown(function() sb.stop() end)
  before_each(function()
    sb.reset()
    call = client.open(sb, "ssg")
  end)

  local function charge()
    return (client.charge(sb, "ssg", call))
  end

  local function status(id)
    return call(("/api/qrcode/%s/status?device_code=%s"):format(id, device), nil,
      { method = "GET" })
  end

  local function delete(id, action, value)
    return call(("/api/qrcode/%s/%s"):format(id, action), client.ssg_body(sb, value),
      { method = "DELETE" })
  end

  it("issues a token that says a year", function()
    local data = client.ssg_token(sb).data
    assert.are.equal(31536000, data.expires_in)
    assert.are.equal("Bearer", data.token_type)
  end)

  for _, case in ipairs({
    { { grant_type = "password" }, 400, "unsupported_grant_type" },
    { { client_id = "" }, 400, "invalid_request" },
    { { client_secret = "wrong" }, 401, "invalid_client" },
  }) do
    it("refuses a token with " .. case[3], function()
      local reply = client.ssg_token(sb, case[1])
      assert.are.equal(case[2], reply.status)
      assert.are.equal(case[3], reply.data.error)
      assert.are.equal(reply.data.error_description, reply.data.message)
    end)
  end

  it("makes a charge as documented", function()
    local reply = call("/api/qrcode/new", client.ssg_body(sb, "365.90"))
    assert.are.equal(201, reply.status)
    assert.are.equal("PENDING", reply.data.status)
    assert.are.equal("365.90", reply.data.value)
    assert.truthy(reply.data.qr_code_text:match("^eyJpZCI6"))
    assert.are.equal(36590, sb.charge(reply.data.id).amount)
  end)

  it("refuses an unknown token", function()
    local reply = call("/api/qrcode/new", client.ssg_body(sb),
      { headers = { "Authorization: Bearer nonsense" } })
    assert.are.equal(401, reply.status)
    assert.are.same({ message = "Unauthenticated." }, reply.data)
  end)

  it("names a missing field", function()
    local reply = call("/api/qrcode/new", '{"value":10.00}')
    local message = "O campo device_code é obrigatório."
    assert.are.equal(400, reply.status)
    assert.are.same({ message = message, errors = { device_code = { message } } }, reply.data)
  end)

  for _, value in ipairs({ "365.9", "365", "1.005", '"365.90"', "0.00" }) do
    it("refuses the value " .. value, function()
      local reply = call("/api/qrcode/new", client.ssg_body(sb, value))
      assert.are.equal(422, reply.status)
      assert.are.same({ "O campo value deve ser um número com duas casas decimais." },
        reply.data.errors.value)
    end)
  end

  it("does not find another device", function()
    local reply = call("/api/qrcode/new", '{"value":10.00,"device_code":"x"}')
    assert.are.equal(404, reply.status)
    assert.are.equal("O device_code informado não foi encontrado.", reply.data.message)
  end)

  it("goes from pending over paid to refunded", function()
    local id = charge()
    assert.are.same({ status = "PENDING" }, status(id).data)
    sb.pay(id)
    assert.are.same({ status = "PAID" }, status(id).data)
    local reply = delete(id, "refund")
    assert.are.equal(200, reply.status)
    assert.truthy(reply.body:find('"value": 19.90, "status": "REFUNDED"', 1, true))
    assert.are.same({ status = "REFUNDED" }, status(id).data)
    assert.are.equal(1990, sb.charge(id).refunded)
    assert.are.equal(409, delete(id, "refund").status)
  end)

  it("cancels what is pending", function()
    local id = charge()
    local reply = delete(id, "cancel")
    assert.are.equal(200, reply.status)
    assert.are.same({ status = "CANCELLED" }, reply.data)
    assert.are.equal("cancelled", sb.charge(id).status)
    assert.are.equal(409, delete(id, "cancel").status)
  end)

  it("does not cancel what is paid", function()
    local id = charge()
    sb.pay(id)
    local reply = delete(id, "cancel")
    assert.are.equal(409, reply.status)
    assert.are.same({ "Não é possível cancelar um QR Code pago." }, reply.data.errors.uuid)
  end)

  it("does not cancel under another value", function()
    local id = charge()
    local reply = delete(id, "cancel", "19.89")
    assert.are.equal(404, reply.status)
    assert.are.equal("O value informado não foi encontrado.", reply.data.message)
    assert.are.equal("pending", sb.charge(id).status)
  end)

  it("refunds the whole value only", function()
    local id = charge()
    sb.pay(id)
    local reply = delete(id, "refund", "19.89")
    assert.are.equal(400, reply.status)
    assert.are.equal("Não é possível estornar um valor maior/menor do que o valor do QR Code.",
      reply.data.message)
    assert.are.equal("paid", sb.charge(id).status)
  end)

  it("does not refund what is not paid", function()
    assert.are.equal(409, delete(charge(), "refund").status)
  end)

  it("does not find an unknown uuid", function()
    local replies = { status("none"), delete("none", "cancel"), delete("none", "refund") }
    for _, reply in ipairs(replies) do
      assert.are.equal(404, reply.status)
      assert.are.equal("O uuid informado não foi encontrado.", reply.data.errors.uuid[1])
    end
  end)

  it("asks for the device in the query of a status", function()
    local reply = call(("/api/qrcode/%s/status"):format(charge()), nil, { method = "GET" })
    assert.are.equal(400, reply.status)
    assert.are.equal("O campo device_code é obrigatório.", reply.data.message)
  end)
end)

describe("the simulated ssg with options", function()
  it("asks for a text, answers with a BR Code, and says 400 for wrong credentials", function()
    local sb = sandbox.start({ ssg = { value_as = "string", code_as = "brcode",
      bad_credentials = 400 } })
    finally(function() sb.stop() end)
    assert.are.equal(400, client.ssg_token(sb, { client_secret = "wrong" }).status)
    local call = client.open(sb, "ssg")
    assert.are.equal(422, call("/api/qrcode/new", client.ssg_body(sb)).status)
    local reply = call("/api/qrcode/new", client.ssg_body(sb, '"19.90"'))
    assert.are.equal(201, reply.status)
    assert.truthy(reply.data.qr_code_text:match("^000201.*6304%x%x%x%x$"))
  end)
end)
