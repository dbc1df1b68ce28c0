local json = require("pix.cli.json")

describe("the command line's JSON", function()
  it("sorts members and writes whole numbers whole", function()
    assert.are.equal('{"a":1990,"b":[1,2.5],"c":true}',
      json.encode({ c = true, a = 1990, b = { 1, 2.5 } }))
    assert.are.equal("1990", json.encode(1990.0))
    assert.are.equal("123456789012345", json.encode(123456789012345))
  end)

  it("escapes what must be", function()
    assert.are.equal('"a\\"b\\\\c\\n\\u0001\\u007fé"', json.encode('a"b\\c\n\1\127é'))
  end)

  it("writes what JSON has no word for as null", function()
    assert.are.equal("[null,null,null]", json.encode({ 0 / 0, math.huge, print }))
  end)

  it("tells an empty list from an empty object", function()
    assert.are.equal('{"a":[],"b":{}}', json.encode({ a = json.list({}), b = {} }))
  end)

  it("ends where a table holds itself", function()
    local loop = {}
    loop[1] = loop
    assert.truthy(json.encode(loop):find("null", 1, true))
  end)
end)
