local core = require "pix.core"

local DETSEG = "00020126820014br.gov.bcb.pix2560"
  .. "pix.s3bank.com/qr/v3/at/1f2692ec-9e51-42b7-80c4-05c7105c73a6"
  .. "5204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG6009SAO_PAULO62070503***63040687"

local function refused(value, err, field)
  assert.is_nil(value)
  assert.is_true(core.is_error(err))
  assert.equal("invalid", err.kind)
  assert.equal("no", err.sent)
  assert.truthy(err.fields[field], "fields has no " .. field)
  assert.truthy(#err.message > 0 and #err.hint > 0)
end

describe("money", function()
  it("reads whole centavos and text in reais", function()
    local good = { [1990] = 1990, ["19.90"] = 1990, ["R$ 1.234,56"] = 123456, ["20"] = 2000 }
    for value, centavos in pairs(good) do
      assert.equal(centavos, core.money(value))
    end
    assert.equal(1990, core.money(1990.0))
  end)

  it("refuses what is not an amount, and names the field", function()
    local bad = { 19.9, 0, -1, 0 / 0, 1 / 0, -1 / 0, 1e18, "", "abc", "1.234", "1e3", "19.90 ",
      "-5", "0", true, {} }
    for _, value in ipairs(bad) do
      local result, err = core.money(value)
      if value == "19.90 " and result then
        assert.equal(1990, result)
      else
        refused(result, err, "amount")
      end
    end
    refused(core.money(nil), select(2, core.money(nil)), "amount")
  end)

  it("writes reais", function()
    assert.equal("R$ 19,90", core.format(1990))
    assert.equal("R$ 1.234.567,89", core.format(123456789))
    assert.equal("19.90", core.decimal(1990))
    assert.has_error(function() core.format(19.9) end)
  end)
end)

describe("tax ids and phones", function()
  it("are told apart and normalised", function()
    assert.same({ "cpf", "52998224725" }, { core.tax_id("529.982.247-25") })
    assert.same({ "cnpj", "12ABC34501DE35" }, { core.tax_id("12.abc.345/01de-35") })
    assert.equal("+5511987654321", core.phone("(11) 98765-4321"))
  end)

  it("are refused without being quoted", function()
    local value, err = core.tax_id("529.982.247-26")
    refused(value, err, "tax_id")
    assert.is_nil(tostring(err):find("529", 1, true))
    value, err = core.phone("0123456789")
    refused(value, err, "phone")
    value, err = core.tax_id(52998224725)
    refused(value, err, "tax_id")
  end)
end)

describe("BR Codes", function()
  it("are decoded into a table", function()
    local code = assert(core.brcode_decode(DETSEG))
    assert.equal("DETSEGINFOBR_SERVICOS_DIG", code.name)
    assert.equal("SAO_PAULO", code.city)
    assert.equal("pix.s3bank.com/qr/v3/at/1f2692ec-9e51-42b7-80c4-05c7105c73a6", code.url)
    assert.equal("0687", code.crc)
    assert.is_true(code.dynamic)
    assert.is_nil(code.amount)
  end)

  it("survive a round trip", function()
    local text = assert(core.brcode_encode {
      key = "pix@example.com", name = "CAFE DA ESQUINA", city = "SAO PAULO", amount = "19.90",
      txid = "order17" })
    local code = assert(core.brcode_decode(text))
    assert.equal(1990, code.amount)
    assert.equal("order17", code.txid)
    assert.is_false(code.dynamic)
    assert.equal(text, core.brcode_encode(code))
  end)

  it("are refused when one byte is wrong", function()
    local value, err = core.brcode_decode((DETSEG:gsub("SAO", "SAN")))
    refused(value, err, "code")
    value, err = core.brcode_encode { key = "k", city = "X" }
    refused(value, err, "name")
    value, err = core.brcode_encode { key = 5, name = "A", city = "B" }
    refused(value, err, "key")
  end)
end)

describe("QR codes", function()
  local function scan(name, bytes)
    local path = os.tmpname() .. name
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local pipe = io.popen("zbarimg --raw -q -Sdisable -Sqrcode.enable '" .. path .. "' 2>/dev/null")
    local text = pipe:read("*a")
    pipe:close()
    os.remove(path)
    return (text:gsub("\n$", ""))
  end

  it("as PNG are read by a scanner", function()
    assert.equal(DETSEG, scan(".png", core.qr(DETSEG, "png", { scale = 4 })))
  end)

  it("as a matrix agree with the qrencode program", function()
    local matrix = core.qr("luapix", "matrix", { level = "M" })
    local pipe = io.popen("qrencode -t ASCII -l M -m 0 luapix")
    for y = 1, #matrix do
      local line = pipe:read("*l")
      for x = 1, #matrix do
        assert.equal(line:sub(2 * x, 2 * x) == "#", matrix[y][x])
      end
    end
    pipe:close()
  end)

  it("as text have one line for two rows of modules", function()
    local text = core.qr("luapix", "text", { margin = 2 })
    local _, lines = text:gsub("\n", "")
    assert.equal(math.ceil((#core.qr("luapix", "matrix") + 4) / 2), lines)
  end)

  it("as SVG are a whole document", function()
    local svg = core.qr("luapix", "svg")
    assert.truthy(svg:find("<svg", 1, true) and svg:find("</svg>", 1, true))
  end)

  it("refuse what does not fit, and options that make no sense", function()
    refused(core.qr(("x"):rep(3000), "png"), select(2, core.qr(("x"):rep(3000), "png")), "text")
    assert.has_error(function() core.qr("x", "jpeg") end)
    assert.has_error(function() core.qr("x", "png", { scale = 1000 }) end)
    assert.has_error(function() core.qr("x", "png", { level = "Z" }) end)
  end)
end)

describe("a card", function()
  local good = {
    number = "4111 1111 1111 1111", cvv = "123", expiry = "12/2099", holder = "JOAO SILVA" }
  local function with(changes)
    local card = {}
    for key, value in pairs(good) do card[key] = value end
    for key, value in pairs(changes) do card[key] = value end
    return core.card(card)
  end

  it("shows nothing of itself", function()
    local card = assert(core.card(good))
    assert.equal("pix.card ([redacted])", tostring(card))
    assert.is_nil(card.number)
    assert.equal("pix", getmetatable(card))
  end)

  it("is refused with the member's name and without its value", function()
    local bad = { number = "4111111111111112", cvv = "12a", expiry = "13/2030", holder = "" }
    for member, value in pairs(bad) do
      local card, err = with { [member] = value }
      refused(card, err, "card." .. member)
      if #value > 0 then assert.is_nil(tostring(err):find(value, 1, true)) end
    end
    local card, err = with { number = 4111111111111111 }
    refused(card, err, "card.number")
    refused(with { pin = "1" }, select(2, with { pin = "1" }), "card")
  end)
end)

describe("an error object", function()
  it("is made of a table, with the kind's hint", function()
    local err = core.error { kind = "timeout", message = "too late" }
    assert.equal("no", err.sent)
    assert.truthy(#err.hint > 0)
    assert.truthy(tostring(err):find("timeout, sent=no: too late", 1, true))
    assert.is_true(core.is_error(err))
    assert.is_false(core.is_error({ kind = "timeout" }))
    assert.is_false(core.is_error("timeout"))
  end)

  it("needs a kind that exists", function()
    assert.has_error(function() core.error { kind = "weird" } end)
    assert.has_error(function() core.error {} end)
  end)
end)

describe("small tools", function()
  it("decode JSON within bounds", function()
    assert.same({ a = { 1, 2 } }, core.json_decode('{"a":[1,2]}'))
    for _, text in ipairs { "", "<html>", "{", "[NaN]", ("["):rep(100000) } do
      local value, err = core.json_decode(text)
      assert.is_nil(value)
      assert.equal("invalid", err.kind)
    end
  end)

  it("digest, and draw random bytes", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      core.hex_sha256("abc"))
    assert.equal(32, #core.random(16))
    assert.not_equal(core.random(16), core.random(16))
  end)

  it("write and read base64", function()
    local cases = { [""] = "", a = "YQ==", ab = "YWI=", abc = "YWJj", ["\0\255\254"] = "AP/+" }
    for bytes, text in pairs(cases) do
      assert.equal(text, core.base64(bytes))
      assert.equal(bytes, core.from_base64(text))
    end
    assert.equal("ab", core.from_base64 "YWI")
    for _, text in ipairs { "Y", "YW I=", "YQ=", "YR==", "Y*==" } do
      local bytes, err = core.from_base64(text)
      assert.is_nil(bytes)
      assert.equal("invalid", err.kind)
    end
    assert.error_matches(function() core.base64(("x"):rep(2 ^ 24 + 1)) end, "too long")
  end)

  it("write and read São Paulo's time", function()
    assert.equal("2026-11-22T09:00:00", core.date(1795348800))
    assert.equal(1795348800, core.date_parse("2026-11-22T09:00:00"))
  end)

  it("tell the versions", function()
    local versions = core.versions()
    assert.equal(core.version, versions.luapix)
    assert.truthy(versions.libcurl and versions.openssl and versions.lua)
  end)
end)
