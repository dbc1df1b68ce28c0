local log = require "pix.log"

describe("a line of the log", function()
  it("is one JSON object with the time first", function()
    assert.equal('{"time":"2026-09-21T14:13:20.250Z","level":"info","event":"request",'
      .. '"provider":"ssg","ms":12}',
      log.line({ provider = "ssg", event = "request", level = "info", ms = 12 }, 1790000000.25))
  end)

  it("leaves out what is not on the list", function()
    local line = log.line({ event = "x", payer = "Maria", code = "4001", raw = {} }, 0)
    assert.equal('{"time":"1970-01-01T00:00:00.000Z","event":"x","code":"4001"}', line)
  end)

  it("hides runs of digits that could be a person's, and addresses", function()
    local line = log.line({ message = "CPF 529.982.247-25, card 4111 1111 1111 1111, "
      .. "maria@example.com, +55 (11) 98765-4321, code 4001" }, 0)
    assert.matches('"CPF %[redacted%], card %[redacted%], %[redacted%], %[redacted%], code 4001"',
      line)
  end)

  it("cannot be broken by what a provider says", function()
    assert.matches([["a\"b\\c\n\u0001"]], log.line({ message = 'a"b\\c\n\1' }, 0), 1, true)
  end)
end)
