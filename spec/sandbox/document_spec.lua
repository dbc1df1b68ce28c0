local document = require("pix.sandbox.document")

describe("the sandbox's documents", function()
  for _, good in ipairs({ "52998224725", "529.982.247-25", "12ABC34501DE35", "11.222.333/0001-81",
    "AAAAAAAAAAAA45", "ZZZZZZZZZZZZ62" }) do
    it("accepts " .. good, function()
      assert.is_true(document.valid(good))
    end)
  end

  for _, bad in ipairs({ "52998224724", "11111111111", "00000000000000", "12ABC34501DE36", "1",
    "11222333000182" }) do
    it("refuses " .. bad, function()
      assert.is_false(document.valid(bad))
    end)
  end

  it("refuses what is no text", function()
    assert.is_false(document.valid(52998224725))
  end)

  it("tests card numbers by Luhn", function()
    assert.is_true(document.luhn("4111111111111111"))
    assert.is_false(document.luhn("4111111111111112"))
    assert.is_false(document.luhn("4111-1111"))
  end)

  it("lets a card live to the end of its month", function()
    local november = 1795305600 -- 2026-11-22
    assert.is_false(document.expired("11/2026", november))
    assert.is_false(document.expired("11/26", november))
    assert.is_true(document.expired("10/2026", november))
    assert.is_nil(document.expired("13/2026", november))
  end)
end)
