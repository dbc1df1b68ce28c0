local dotenv = require("pix.cli.dotenv")

describe("a .env file", function()
  it("gives names and values", function()
    assert.are.same({ A = "1", B_2 = "two words", C = "" },
      dotenv.parse("A=1\nexport B_2 = two words \n\nC="))
  end)

  it("knows comments, but keeps a # that stands within a value", function()
    assert.are.same({ A = "x#y", B = "x" }, dotenv.parse("# A=2\n  # more\nA=x#y\nB=x # note"))
  end)

  it("keeps what stands in single quotes", function()
    assert.are.same({ A = [[a "b" \n $C #]] }, dotenv.parse([[A='a "b" \n $C #' # note]]))
  end)

  it("understands the escapes of double quotes, and no other", function()
    assert.are.same({ A = 'a"b\nc\\d$E\\z' }, dotenv.parse([[A="a\"b\nc\\d\$E\z"]]))
  end)

  it("expands nothing", function()
    assert.are.same({ A = "$HOME", B = "$(id)" }, dotenv.parse("A=$HOME\nB=$(id)"))
  end)

  it("may come from Windows", function()
    assert.are.same({ A = "1", B = "2" }, dotenv.parse("\239\187\191A=1\r\nB=2\r\n"))
  end)

  it("takes the last of two", function()
    assert.are.same({ A = "2" }, dotenv.parse("A=1\nA=2"))
  end)

  it("tells the line that it does not understand", function()
    for text, line in pairs({ ["A=1\nB"] = 2, ["1A=2"] = 1, ["A='x"] = 1, ['\n\nA="x'] = 3,
      ["A='x'y"] = 1, ["=x"] = 1, ["A=a\0b"] = 1 }) do
      local values, where = dotenv.parse(text)
      assert.is_nil(values, text)
      assert.are.equal(line, where)
    end
  end)

  it("may be missing, or no file at all", function()
    assert.are.same({ nil, "missing" }, { dotenv.read("no/such/file") })
    assert.are.same({ nil, "unreadable" }, { dotenv.read("spec") })
  end)
end)
