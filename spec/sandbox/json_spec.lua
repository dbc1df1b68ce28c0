local json = require("pix.sandbox.json")

describe("the sandbox's JSON", function()
  it("keeps the order of members and the spelling of numbers", function()
    local text = json.encode(json.object("b", json.raw("365.90"), "a", "x/y", "c", json.array({})))
    assert.are.equal('{"b": 365.90, "a": "x/y", "c": []}', text)
  end)

  it("leaves nil members out", function()
    assert.are.equal('{"a": true}', json.encode(json.object("x", nil, "a", true)))
  end)

  it("takes members away from a copy only", function()
    local object = json.object("id", "1", "status", "PAID")
    assert.are.equal('{"status": "PAID"}', json.encode(json.without(object, { id = true })))
    assert.are.equal('{"id": "1", "status": "PAID"}', json.encode(object))
  end)

  it("escapes what JSON must escape", function()
    assert.are.equal([["a\"\\/\n"]], json.encode('a"\\/\n'))
  end)

  it("decodes objects and nothing else", function()
    assert.are.equal("b", json.decode('{"a": "b"}').a)
    assert.is_nil(json.decode("3"))
    assert.is_nil(json.decode("<html>"))
  end)
end)
