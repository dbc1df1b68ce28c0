local cjson = require("cjson")
local exit = require("pix.cli.exit")
local program = require("spec.support.program")
local sandbox = require("pix.sandbox")
local variables = require("pix.cli.sandbox").variables

local CODE = "00020126870014br.gov.bcb.pix2565pix.sandbox.invalid/qr/v3/at/"
  .. "4f49382b-689a-4c13-a1e1-77e970eb070c520400005303986540519.905802BR5913PAYZU SANDBOX6014"
  .. "TEIXEIRA_DE_FR62070503***63043A80"
local PAYER = { "--name", "Maria da Silva", "--tax-id", "52998224725", "--email",
  "maria@example.com", "--phone", "11987654321" }

describe("the command line", function()
  local sb, folder, env

  setup(function()
    sb = sandbox.start()
    folder = program.folder()
  end)
  teardown(function()
    sb.stop()
    program.remove(folder)
  end)
  before_each(function()
    sb.reset()
    env = { LANG = "C.UTF-8", TMPDIR = folder }
    for _, row in ipairs(variables(sb)) do
      env[row[1]] = row[2]
    end
  end)

  local function words(...)
    return { program.interpreter(), program.root .. "/spec/support/pix_cli.lua", ... }
  end

  local function pix(...)
    return program.run(words(...), { env = env, folder = folder })
  end

  local function pix_json(...)
    local arguments = { ... }
    arguments[#arguments + 1] = "--json"
    local result = pix((table.unpack or unpack)(arguments))
    result.data = cjson.decode(result.out:match("^[^\n]*"))
    return result
  end

  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
    file:close()
    return folder .. "/" .. name
  end

  local function charge_at(provider, amount)
    return pix_json("charge", amount or "19.90", "-p", provider).data
  end

  -- ---- charge ----

  it("makes a charge and gives its code whole, on a line of its own", function()
    local result = pix("charge", "19.90", "--provider", "payzu")
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("Charge of R$ 19,90 at payzu  not paid yet\n", 1, true))
    local code = result.out:match("\n(000201[^\n]+)\n")
    assert.are.equal(1990, require("pix").brcode.decode(code).amount)
    assert.are.equal("", result.err)
  end)

  it("speaks Portuguese where the environment does, and where it is told to", function()
    env.LANG = "pt_BR.UTF-8"
    assert.truthy(pix("charge", "5", "-p", "ssg").out:find("^Cobrança de R%$ 5,00 em ssg"))
    env.LANG = "C"
    assert.truthy(pix("charge", "5", "-p", "ssg", "--lang", "pt").out:find("^Cobrança"))
  end)

  it("gives machines one line of JSON", function()
    local result = pix_json("charge", "1.234,56", "-p", "detseg", (table.unpack or unpack)(PAYER))
    assert.are.equal(0, result.status)
    assert.are.equal(123456, result.data.amount)
    assert.are.equal("pending", result.data.status)
    assert.are.equal("brcode", result.data.code_kind)
    assert.are.equal(1, select(2, result.out:gsub("\n", "")))
  end)

  it("writes the QR code as PNG or SVG, and as text", function()
    local png = folder .. "/code.png"
    local result = pix("charge", "5", "-p", "payzu", "--qr", "png", png)
    assert.are.equal(0, result.status)
    assert.are.equal("\137PNG", program.read(png):sub(1, 4))
    assert.are.equal(0, pix("charge", "5", "-p", "payzu", "--qr", "svg", folder .. "/c.svg").status)
    assert.truthy(program.read(folder .. "/c.svg"):find("<svg", 1, true))
    assert.truthy(pix("charge", "5", "-p", "payzu", "--qr", "text").out:find("█", 1, true))
  end)

  it("says that the file could not be written, and still gives the code", function()
    local result = pix("charge", "5", "-p", "payzu", "--qr", "png", "/nowhere/at/all.png")
    assert.are.equal(exit.CONFIG, result.status)
    assert.truthy(result.out:find("\n000201", 1, true))
    assert.truthy(result.err:find("/nowhere/at/all.png", 1, true))
  end)

  it("waits until it is paid", function()
    local terminal = program.terminal(words("charge", "19.90", "-p", "ssg", "--wait"),
      { env = env, folder = folder })
    terminal.expect("waiting for the payment")
    sb.pay(sb.ledger().charges[1])
    local result = terminal.finish()
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("PAID", 1, true))
  end)

  it("tells of a charge that expired, in the exit status too", function()
    local terminal = program.terminal(words("charge", "19.90", "-p", "payzu", "--wait"),
      { env = env, folder = folder })
    terminal.expect("waiting for the payment")
    sb.expire(sb.ledger().charges[1])
    local result = terminal.finish()
    assert.are.equal(exit.NOT_PAID, result.status)
    assert.truthy(result.out:find("expired", 1, true))
  end)

  it("cancels the charge when the time is over", function()
    local result = pix_json("charge", "5", "-p", "ssg", "--wait", "--timeout", "1")
    assert.are.equal(exit.NOT_PAID, result.status)
    assert.are.equal("pending", result.data.status)
    assert.are.equal("cancelled", cjson.decode(result.out:match("\n(.*)\n")).status)
    assert.are.equal("cancelled", sb.charge(result.data.id).status)
  end)

  it("leaves it payable with --keep", function()
    local result = pix("charge", "5", "-p", "ssg", "--wait", "--timeout", "1", "--keep")
    assert.are.equal(exit.PENDING, result.status)
    assert.truthy(result.out:find("STAYS PAYABLE", 1, true))
    assert.are.equal("pending", sb.ledger().charges[1].status)
  end)

  -- ---- Ctrl-C ----

  local function interrupt(provider, ...)
    local terminal = program.terminal(words("charge", "19.90", "-p", provider, "--wait", ...),
      { env = env, folder = folder, columns = 100, rows = 60 })
    terminal.expect("waiting for the payment")
    terminal.type("\3")
    return terminal.finish()
  end

  it("cancels the charge on Ctrl-C, and says so", function()
    local result = interrupt("ssg")
    assert.are.equal(exit.INTERRUPTED, result.status)
    assert.truthy(result.out:find("was cancelled at ssg", 1, true))
    assert.are.equal("cancelled", sb.ledger().charges[1].status)
  end)

  it("says on Ctrl-C that the charge stays payable where it cannot be cancelled", function()
    local result = interrupt("payzu")
    assert.are.equal(exit.INTERRUPTED, result.status)
    assert.truthy(result.out:find("STAYS PAYABLE at payzu", 1, true))
    assert.are.equal("pending", sb.ledger().charges[1].status)
  end)

  it("tells the truth when the payer was faster than Ctrl-C", function()
    local terminal = program.terminal(words("charge", "19.90", "-p", "ssg", "--wait"),
      { env = env, folder = folder })
    terminal.expect("waiting for the payment")
    sb.pay(sb.ledger().charges[1])
    terminal.type("\3")
    local result = terminal.finish()
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("PAID", 1, true))
    assert.falsy(result.out:find("was cancelled at", 1, true))
  end)

  -- Ctrl-C between a request and its answer.
  local function interrupt_request(operation, ...)
    sb.fault({ operation = operation, delay = 600 })
    local terminal = program.terminal(words(...), { env = env, folder = folder })
    for _ = 1, 2400 do
      if sb.count({ operation = operation }) > 0 then break end
      os.execute("sleep 0.05")
    end
    terminal.type("\3")
    terminal.expect("waiting for its answer")
    sb.clear_faults()
    return terminal.finish()
  end

  it("finds out which charge to cancel when Ctrl-C comes before the answer", function()
    local result = interrupt_request("charge", "charge", "19.90", "-p", "ssg")
    assert.are.equal(exit.INTERRUPTED, result.status, result.out)
    assert.truthy(result.out:find("was cancelled at ssg", 1, true))
    assert.are.equal("cancelled", sb.ledger().charges[1].status)
  end)

  it("does not leave a subscription in the dark when Ctrl-C comes before the answer", function()
    env.PIX_CARD_NUMBER, env.PIX_CARD_CVV = "4111111111111111", "123"
    env.PIX_CARD_EXPIRY, env.PIX_CARD_HOLDER = "12/2035", "MARIA DA SILVA"
    local result = interrupt_request("subscribe", "subscribe", "--plan", "PLAN123", "-p", "payzu",
      "--name", "Maria da Silva", "--tax-id", "52998224725", "--email", "maria@example.com",
      "--phone", "11987654321")
    assert.are.equal(0, result.status, result.out)
    assert.truthy(result.out:find("Subscription SUB", 1, true))
  end)

  it("shows no spinner and no colour where there is no terminal", function()
    local result = pix("charge", "5", "-p", "ssg", "--wait", "--timeout", "1")
    assert.falsy((result.out .. result.err):find("[\27\r]"))
  end)

  it("honours NO_COLOR on a terminal, but keeps the QR code black on white", function()
    env.NO_COLOR = "1"
    local terminal = program.terminal(words("charge", "5", "-p", "payzu"),
      { env = env, folder = folder, columns = 100, rows = 60 })
    local out = terminal.finish().out
    assert.falsy(out:find("\27[1m", 1, true))
    assert.truthy(out:find("\27[30;47m", 1, true))
  end)

  it("gives a picture where the QR code would not fit the window", function()
    local terminal = program.terminal(words("charge", "5", "-p", "payzu"),
      { env = env, folder = folder, columns = 40, rows = 24 })
    local file = terminal.finish().out:match("As a picture: ([^%s]+)")
    assert.are.equal("\137PNG", program.read(file):sub(1, 4))
  end)

  it("removes that picture when it is of no use any more", function()
    local terminal = program.terminal(words("charge", "5", "-p", "ssg", "--wait"),
      { env = env, folder = folder, columns = 40, rows = 24 })
    local file = terminal.expect("waiting for"):match("As a picture: ([^%s]+)")
    assert.truthy(io.open(file)):close()
    terminal.type("\3")
    terminal.finish()
    assert.is_nil((io.open(file)))
    assert.is_nil((io.open(file:match("^(.*)/"))))
  end)

  -- ---- status, cancel, refund, search ----

  it("exits with 0 for a paid charge only", function()
    local charge = charge_at("ssg")
    assert.are.equal(exit.PENDING, pix("status", charge.id, "-p", "ssg").status)
    sb.pay(charge)
    local result = pix("status", charge.id, "-p", "ssg")
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("PAID", 1, true))
    sb.refund(charge)
    assert.are.equal(exit.NOT_PAID, pix("status", charge.id, "-p", "ssg").status)
  end)

  it("does not find what is not there", function()
    local result = pix("status", "PIX000000000000", "-p", "payzu")
    assert.are.equal(exit.NOT_FOUND, result.status)
    assert.truthy(result.err:find("[not_found]", 1, true))
    assert.truthy(result.err:find("sent: yes", 1, true))
  end)

  it("cancels and refunds by id", function()
    local charge = charge_at("ssg")
    local result = pix("cancel", charge.id, "--amount", "19.90", "-p", "ssg")
    assert.are.equal(0, result.status, result.err)
    assert.are.equal("cancelled", sb.charge(charge.id).status)
    local other = charge_at("ssg", "7")
    sb.pay(other)
    assert.are.equal("refunded",
      pix_json("refund", other.id, "--amount", "7.00", "-p", "ssg").data.status)
    assert.are.equal("refunded", sb.charge(other.id).status)
  end)

  it("refuses what a provider cannot do before anything is sent", function()
    local result = pix_json("refund", "PIX1", "-p", "payzu")
    assert.are.equal(exit.INVALID, result.status)
    assert.are.equal("unsupported", result.data.error.kind)
    assert.are.equal("no", result.data.error.sent)
    assert.are.equal(0, sb.count({}))
  end)

  it("lists the charges of a day", function()
    local id = pix_json("charge", "49.90", "-p", "detseg", (table.unpack or unpack)(PAYER)).data.id
    local result = pix("search", "--from", "2020-01-01", "--to", "2099-12-31", "-p", "detseg")
    assert.are.equal(0, result.status, result.err)
    assert.truthy(result.out:find("R$ 49,90  not paid yet", 1, true), result.out)
    assert.truthy(result.out:find(id, 1, true))
    assert.are.equal("[]\n", pix("search", "--from", "2020-01-01", "--to", "2020-01-02", "-p",
      "detseg", "--json").out)
  end)

  -- ---- subscribe ----

  local function subscribe(input, ...)
    return program.run(words("subscribe", "--plan", "PLAN123", "-p", "payzu", "--name",
      "Maria da Silva", "--tax-id", "52998224725", "--email", "maria@example.com", "--phone",
      "11987654321", ...), { env = env, folder = folder, input = input })
  end
  local CARD = "number=4111111111111111\ncvv=123\nexpiry=12/2035\nholder=MARIA DA SILVA\n"

  it("reads the card from standard input", function()
    local result = subscribe(CARD, "--trial")
    assert.are.equal(0, result.status, result.err)
    assert.truthy(result.out:find("^Subscription SUB"))
    assert.are.equal(1, #sb.ledger().subscriptions)
  end)

  it("reads the card from the environment", function()
    env.PIX_CARD_NUMBER, env.PIX_CARD_CVV = "4111111111111111", "123"
    env.PIX_CARD_EXPIRY, env.PIX_CARD_HOLDER = "12/2035", "MARIA DA SILVA"
    assert.are.equal(0, subscribe("").status)
  end)

  it("asks for the card on a terminal, without echo", function()
    local terminal = program.terminal(words("subscribe", "--plan", "PLAN123", "-p", "payzu",
      "--name", "Maria da Silva", "--tax-id", "52998224725", "--email", "maria@example.com",
      "--phone", "11987654321"), { env = env, folder = folder })
    for _, answer in ipairs({ { "Card number: ", "4111111111111111" }, { "Security code: ", "977" },
      { "Expiry (MM/YYYY): ", "12/2035" }, { "Name on the card: ", "MARIA DA SILVA" } }) do
      terminal.expect(answer[1]) -- the echo is off by then
      terminal.type(answer[2] .. "\n")
    end
    local result = terminal.finish()
    assert.are.equal(0, result.status, result.out)
    assert.truthy(result.out:find("\nCard number: \r\nSecurity code: \r\nExpiry (MM/YYYY): "
      .. "12/2035\r\nName on the card: MARIA DA SILVA\r\nSubscription SUB", 1, true), result.out)
  end)

  it("never takes a card from the command line, and does not repeat it", function()
    for _, argument in ipairs({ "--card-number=4111111111111111", "--card-number", "--cvv=977" }) do
      local result = subscribe(CARD, argument, "4111111111111111")
      assert.are.equal(exit.USAGE, result.status)
      assert.falsy((result.out .. result.err):find("4111", 1, true))
    end
    assert.are.equal(0, sb.count({}))
  end)

  it("tells a declined card by its exit status", function()
    local declined = sb.cards["4002"]
    local result = subscribe((CARD:gsub("4111111111111111", declined)))
    assert.are.equal(exit.DECLINED, result.status)
    assert.falsy((result.out .. result.err):find(declined, 1, true))
  end)

  it("says that the outcome is unknown when it is", function()
    sb.fault({ provider = "payzu", operation = "subscribe", reset = "after" })
    local result = subscribe(CARD)
    assert.are.equal(exit.UNKNOWN, result.status)
    assert.truthy(result.err:find("sent: maybe", 1, true))
    assert.truthy(result.err:find("IT MAY HAVE REACHED", 1, true))
  end)

  -- ---- brcode ----

  it("explains a BR Code", function()
    local result = pix("brcode", CODE)
    assert.are.equal(0, result.status)
    for _, part in ipairs({ "R$ 19,90", "PAYZU SANDBOX", "3A80", "dynamic" }) do
      assert.truthy(result.out:find(part, 1, true), part)
    end
    assert.are.equal(1990, pix_json("brcode", CODE).data.amount)
  end)

  it("names what is wrong with a BR Code", function()
    local result = pix("brcode", (CODE:gsub("3A80$", "3A81")))
    assert.are.equal(exit.INVALID, result.status)
    assert.truthy(result.err:lower():find("crc", 1, true) or result.err:find("63", 1, true))
  end)

  -- ---- doctor, providers, version ----

  it("finds everything well", function()
    local result = pix("doctor")
    assert.are.equal(0, result.status, result.out)
    assert.truthy(result.out:find("all is well", 1, true))
    assert.truthy(result.out:find("libcurl", 1, true))
  end)

  it("checks certificates", function()
    for _, row in ipairs(variables(sb, true)) do
      env[row[1]] = row[2]
    end
    local result = pix("doctor")
    assert.are.equal(0, result.status, result.out)
    assert.truthy(result.out:find("certificate verified, https://127.0.0.1:", 1, true))
    env.PIX_CA_FILE = nil
    result = pix("doctor", "-p", "ssg")
    assert.are.equal(exit.DOCTOR, result.status)
    assert.truthy(result.out:find("✗  ssg  TLS ", 1, true), result.out)
    assert.truthy(result.out:find("PIX_CA_FILE", 1, true))
  end)

  it("finds what is wrong, and shows no secret", function()
    env.SSG_CLIENT_SECRET = "not-the-secret-wxyz" -- no digits: ports and times have any
    env.PAYZU_API_KEY = ""
    local result = pix("doctor")
    assert.are.equal(exit.DOCTOR, result.status)
    assert.truthy(result.out:find("✗  ssg     credentials", 1, true), result.out)
    assert.truthy(result.out:find("allow-list", 1, true), result.out)
    assert.truthy(result.out:find("PAYZU_API_KEY", 1, true))
    for _, secret in ipairs({ "wxyz", "sandbox-detseg-token" }) do
      assert.falsy((result.out .. result.err):find(secret, 1, true), secret)
    end
  end)

  it("points to the IP allow-list where the provider answers 403", function()
    sb.fault({ provider = "detseg", status = 403, times = "always" })
    local result = pix("doctor", "-p", "detseg")
    assert.are.equal(exit.DOCTOR, result.status)
    assert.truthy(result.out:find("IP allow-list", 1, true), result.out)
  end)

  it("tells a provider that cannot be reached", function()
    env.SSG_BASE_URL = "http://127.0.0.1:1/ssg"
    local result = pix_json("doctor", "-p", "ssg")
    assert.are.equal(exit.DOCTOR, result.status)
    assert.are.equal(1, result.data.wrong)
    assert.are.equal("connection", result.data.findings[4].name)
    assert.are.equal(exit.NETWORK, pix("charge", "5", "-p", "ssg").status)
  end)

  it("lists the providers, and asks none of them", function()
    local result = pix_json("providers")
    assert.are.equal(0, result.status)
    assert.are.equal(3, #result.data)
    assert.are.equal("SSG_CLIENT_ID", result.data[3].variables[1])
    assert.is_true(result.data[3].configured)
    assert.are.equal(0, sb.count({}))
  end)

  it("prints versions", function()
    local result = pix("--version")
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("^pix " .. require("pix").version:gsub("%p", "%%%0")))
  end)

  it("prints every exit status below --help, and docs/cli.md has the same table", function()
    local help = pix("--help")
    assert.are.equal(0, help.status)
    local page = program.read(program.root .. "/docs/cli.md")
    for _, row in ipairs(exit.list) do
      assert.truthy(help.out:find(("%d  %s"):format(row[2], row[3]), 1, true), row[1])
      assert.truthy(page:find(("| %d | %s |"):format(row[2], row[3]), 1, true), row[1])
    end
  end)

  -- ---- settings ----

  it("reads .env in its folder, and the environment wins over it", function()
    local lines = {}
    for _, row in ipairs(variables(sb)) do
      lines[#lines + 1] = ("export %s=%s"):format(row[1], row[2])
    end
    local file = write("other.env", table.concat(lines, "\n"))
    env = { LANG = "C" }
    assert.are.equal(exit.CONFIG, pix("charge", "5", "-p", "ssg").status)
    assert.are.equal(0, pix("charge", "5", "-p", "ssg", "--env", file).status)
    os.rename(file, folder .. "/.env")
    assert.are.equal(0, pix("charge", "5", "-p", "ssg").status)
    env.SSG_CLIENT_SECRET = "other"
    assert.are.equal(exit.AUTH, pix("charge", "5", "-p", "ssg").status)
    os.remove(folder .. "/.env")
  end)

  it("names the line of a file that it does not understand, and not what it says", function()
    local result = pix("charge", "5", "--env", write("bad.env", "A=1\nsecret 9931\n"))
    assert.are.equal(exit.CONFIG, result.status)
    assert.truthy(result.err:find("line 2", 1, true))
    assert.falsy(result.err:find("9931", 1, true))
    assert.are.equal(exit.CONFIG, pix("charge", "5", "--env", folder .. "/none").status)
  end)

  it("wants a provider's name where several are configured", function()
    local result = pix("charge", "5")
    assert.are.equal(exit.CONFIG, result.status)
    assert.truthy(result.err:find("--provider", 1, true))
    env.PIX_PROVIDER = "ssg"
    assert.are.equal(0, pix("charge", "5").status)
    assert.are.equal(exit.USAGE, pix("charge", "5", "-p", "paypal").status)
  end)

  it("takes the only provider that is configured", function()
    local only = { LANG = "C" }
    for name, value in pairs(env) do
      only[name] = name:find("^SSG_") and value or nil
    end
    env = only
    assert.truthy(pix("charge", "5").out:find("at ssg", 1, true))
  end)

  it("names the variables that are missing", function()
    env.SSG_DEVICE_CODE = nil
    local result = pix("charge", "5", "-p", "ssg")
    assert.are.equal(exit.CONFIG, result.status)
    assert.truthy(result.err:find("SSG_DEVICE_CODE", 1, true))
  end)

  it("lends a sandbox for a try", function()
    env = { LANG = "C" }
    local result = pix_json("charge", "5", "--sandbox")
    assert.are.equal(0, result.status)
    assert.are.equal("payzu", result.data.provider)
  end)

  it("serves the sandbox, and prints the lines that lead to it", function()
    local result = program.run(words("sandbox", "--port", "0", "--https"),
      { env = { LANG = "C" }, folder = folder, input = "list\nquit\n" })
    assert.are.equal(0, result.status)
    assert.truthy(result.out:find("export SSG_BASE_URL=https://127.0.0.1:%d+/ssg\n"))
    assert.truthy(result.out:find("export PIX_CA_FILE=", 1, true))
    assert.truthy(result.err:find("no charges yet", 1, true))
  end)

  it("says that the sandbox cannot start, as on a port that is taken", function()
    local result = pix("sandbox", "--port", tostring(sb.port))
    assert.are.equal(exit.CONFIG, result.status)
    assert.truthy(result.err:find("[config]", 1, true))
    assert.truthy(result.err:find("sent: no", 1, true))
  end)

  -- ---- bad command lines ----

  it("refuses a wrong command line with 2, and sends nothing", function()
    for _, case in ipairs({ {}, { "pay" }, { "charge" }, { "charge", "5", "--wat" },
      { "charge", "5", "--qr", "gif" }, { "charge", "5", "--timeout", "soon" },
      { "subscribe" }, { "sandbox", "--port", "x" } }) do
      local result = pix((table.unpack or unpack)(case))
      assert.are.equal(exit.USAGE, result.status, table.concat(case, " "))
      assert.truthy(result.err:find("Usage: pix", 1, true))
    end
    assert.are.equal(0, sb.count({}))
  end)

  it("refuses bad amounts before anything is sent", function()
    for _, amount in ipairs({ "0", "19.999", "R$", "1e9", "nan" }) do
      local result = pix("charge", amount, "-p", "ssg")
      assert.are.equal(exit.INVALID, result.status, amount)
      assert.truthy(result.err:find("sent: no", 1, true))
    end
    assert.are.equal(0, sb.count({}))
  end)
end)

describe("bin/pix", function()
  local folder
  setup(function() folder = program.folder() end)
  teardown(function() program.remove(folder) end)

  it("runs from a checkout, and through a link from elsewhere", function()
    local link = folder .. "/pix"
    os.execute(("ln -s %s %s"):format(program.quote(program.root .. "/bin/pix"), link))
    for _, path in ipairs({ program.root .. "/bin/pix", link }) do
      local result = program.run({ path, "--version" }, { env = { LUA_PATH = ";;",
        LUA_CPATH = ";;" }, folder = folder })
      assert.are.equal(0, result.status, result.err)
      assert.truthy(result.out:find("^pix %d"))
    end
  end)

  it("says what is missing where no Lua has luapix", function()
    local result = program.run({ program.root .. "/bin/pix", "--version" },
      { env = { PIX_LUA = "no-such-lua" }, folder = folder })
    assert.are.equal(3, result.status)
    assert.truthy(result.err:find("no-such-lua", 1, true))
  end)
end)
