local brcode = require("pix.sandbox.brcode")

describe("the sandbox's BR Code writer", function()
  it("computes the check value of CRC-16/CCITT-FALSE", function()
    assert.are.equal(0x29B1, brcode.crc("123456789"))
  end)

  it("computes the CRC of the real code in the DetsegPay document", function()
    local code = "00020126820014br.gov.bcb.pix2560pix.s3bank.com/qr/v3/at/"
      .. "1f2692ec-9e51-42b7-80c4-05c7105c73a65204000053039865802BR5925DETSEGINFOBR_SERVICOS_DIG"
      .. "6009SAO_PAULO62070503***6304"
    assert.are.equal(0x0687, brcode.crc(code))
  end)

  it("writes the real code of the PayZu document from its parts", function()
    assert.are.equal("00020126850014br.gov.bcb.pix2563pix.voluti.com.br/qr/v3/at/"
      .. "ea34d2ff-6b0a-46af-9b83-9cbb516204875204000053039865802BR5925PAYZU_INSTITUICAO_DE_PAGA"
      .. "6014TEIXEIRA_DE_FR62070503***6304A70D", brcode.encode({
        url = "pix.voluti.com.br/qr/v3/at/ea34d2ff-6b0a-46af-9b83-9cbb51620487",
        name = "PAYZU_INSTITUICAO_DE_PAGA", city = "TEIXEIRA_DE_FR" }))
  end)

  it("writes the amount in reais with two decimals", function()
    local code = brcode.encode({ url = "a.b/c", name = "N", city = "C", amount = 1905 })
    assert.truthy(code:find("5303986540519.055802BR", 1, true))
  end)
end)
