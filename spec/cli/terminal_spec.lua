local terminal = require("pix.cli.terminal")

local function getenv(values)
  return function(name) return values[name] end
end

describe("the terminal", function()
  it("counts characters, not bytes and not colours", function()
    assert.are.equal(5, terminal.width("\27[31mmaçã!\27[0m"))
  end)

  it("puts rows into columns", function()
    assert.are.same({ "  1  a", "maç  \27[1mbc\27[0m  d" },
      terminal.columns({ { "1", "a" }, { "maç", "\27[1mbc\27[0m", "d" } }, { true }))
  end)

  it("cuts between characters", function()
    assert.are.equal("aç", terminal.cut("açã", 2))
    assert.are.equal("açã", terminal.cut("açã", 3))
  end)

  it("lets no control character of a provider through", function()
    assert.are.equal("a?[2Jb?", terminal.printable("a\27[2Jb\n"))
  end)

  it("counts down", function()
    assert.are.equal("5:00", terminal.countdown(299.2))
    assert.are.equal("0:00", terminal.countdown(-3))
    assert.are.equal("0:09", terminal.countdown(8.01))
  end)

  it("honours NO_COLOR and dumb terminals", function()
    assert.is_false(terminal.wants_colour(1, getenv({ NO_COLOR = "1" })))
    assert.is_false(terminal.wants_colour(1, getenv({ TERM = "dumb" })))
  end)

  it("knows whether more than ASCII can be shown", function()
    assert.is_true(terminal.is_utf8(getenv({ LANG = "pt_BR.UTF-8" })))
    assert.is_false(terminal.is_utf8(getenv({ LC_ALL = "C", LANG = "pt_BR.UTF-8" })))
    assert.is_false(terminal.is_utf8(getenv({})))
  end)
end)

describe("a QR code in the terminal", function()
  local qr = require("pix.cli.qr")
  local modules = { M = 49, L = 45 }
  local function modules_of(level) return modules[level] end

  it("takes the best level and margin that fit", function()
    assert.are.same({ level = "M", margin = 4 }, (qr.fit(modules_of, 120, 40)))
    assert.are.same({ level = "M", margin = 2 }, (qr.fit(modules_of, 56, 40)))
    assert.are.same({ level = "L", margin = 1 }, (qr.fit(modules_of, 80, 24)))
  end)

  it("says what it would need", function()
    assert.are.same({ nil, 47, 24 }, { qr.fit(modules_of, 80, 22) })
  end)

  it("reads where it goes", function()
    assert.are.same({ format = "text" }, (qr.parse("text")))
    assert.are.same({ format = "png", file = "a b.png" }, (qr.parse("png a b.png")))
    assert.is_nil((qr.parse("gif x")))
    assert.is_nil((qr.parse("png")))
  end)
end)

describe("the clipboard", function()
  it("is given base64 in the terminal's escape sequence", function()
    local clipboard = require("pix.cli.clipboard")
    assert.are.equal("\27]52;c;YWJj\7", clipboard.sequence("abc"))
  end)
end)

describe("the messages", function()
  it("exist in both languages, with the same places to fill", function()
    local text = require("pix.cli.text")
    for key, message in pairs(text.en) do
      local other = text.pt[key] or ""
      local function places(s) return (s:gsub("%%%%", ""):gsub("[^%%]*(%%?%a?)[^%%]*", "%1")) end
      assert.are.equal(places(message), places(other), key)
      assert.are_not.equal("", other, key)
    end
    for key in pairs(text.pt) do
      assert.truthy(text.en[key], key)
    end
    for kind in pairs(text.kinds.en) do
      assert.truthy(text.kinds.pt[kind], kind)
    end
  end)

  it("translate every hint of the core's own", function()
    local core, text = require("pix.core"), require("pix.cli.text")
    local function default(kind)
      return core.error({ kind = kind, sent = "no", message = "x" }).hint
    end
    for kind in pairs(text.kinds.en) do
      local err = { kind = kind, hint = default(kind) }
      assert.are.equal(text.hints.pt[kind], text.hint("pt", err, default))
      assert.are.equal(err.hint, text.hint("en", err, default))
      assert.are.equal("other", text.hint("pt", { kind = kind, hint = "other" }, default))
    end
  end)

  it("follow the environment", function()
    local language = require("pix.cli.text").language
    assert.are.equal("pt", language(nil, getenv({ LANG = "pt_BR.UTF-8" })))
    assert.are.equal("en", language(nil, getenv({ LC_ALL = "C", LANG = "pt_BR.UTF-8" })))
    assert.are.equal("pt", language("pt", getenv({ LANG = "de_DE" })))
    assert.are.equal("en", language(nil, getenv({})))
  end)
end)

describe("the exit status", function()
  local exit = require("pix.cli.exit")

  it("has a row for each kind of error", function()
    for kind in pairs(require("pix.cli.text").kinds.en) do
      local status = exit.of_error({ kind = kind, sent = "no" })
      assert.are.equal(kind == "internal", status == exit.INTERNAL, kind)
    end
  end)

  it("is 6 for whatever may have been done, and not for a question", function()
    assert.are.equal(6, exit.of_error({ kind = "timeout", sent = "maybe", operation = "charge" }))
    assert.are.equal(6, exit.of_error({ kind = "protocol", sent = "maybe" }, "subscribe"))
    assert.are.equal(8, exit.of_error({ kind = "timeout", sent = "maybe", operation = "status" }))
  end)

  it("is 0 for nothing but paid", function()
    for _, status in ipairs({ "pending", "expired", "cancelled", "refunded", "rejected", "unknown",
      "new word" }) do
      assert.are_not.equal(0, exit.of_status(status), status)
    end
    assert.are.equal(0, exit.of_status("paid"))
  end)
end)
