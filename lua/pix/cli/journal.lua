--- pix journal: what a shop's journal holds, and a person's word on what nobody else can find out.
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local open_journal = require("pix.cli.open_journal")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Look into a shop's journal, and resolve what is unknown." }

local STATES = { "intent", "sent", "unknown", "answered", "failed" }
local FINDINGS = { "failed", "pending", "paid", "expired", "cancelled", "rejected", "refunded" }
local MEMBERS = { "id", "reference", "kind", "provider", "amount", "state", "status", "orphan",
  "owed", "charge_id", "code", "code_kind", "expires", "due", "worker", "lease", "fence", "created",
  "updated", "data" }
local TIMES = { expires = true, due = true, lease = true, created = true, updated = true }
local MOST = 50

-- ---- Arguments ----

local function count(text)
  local number = tonumber(text)
  if not number or number % 1 ~= 0 or number < 1 then
    return nil, "a whole number from 1 on is expected"
  end
  return number
end

local function add_count(command)
  command:option("-n", "So many at most; 50."):argname("N"):convert(count):default("50")
end

function M.define(command)
  command:command_target("action")
  command:require_command(true)
  local ls = command:command("ls", "The newest operations.")
  ls:option("--state", "Of this state alone."):choices(STATES)
  ls:option("--reference", "Of this order alone."):argname("REFERENCE")
  add_count(ls)
  local show = command:command("show", "All that is known of an operation or of an order.")
  show:argument("id", "An operation's id, a charge's id, or a reference."):argname("ID")
  add_count(command:command("orphans", "Charges that orders went on without, not paid so far."))
  local resolve = command:command("resolve", "Say what became of an unknown operation.")
  resolve:argument("id", "The operation's id."):argname("ID")
  resolve:option("--as", "What you have found at the provider: failed = it was not done.")
    :choices(FINDINGS):count(1)
  resolve:option("--by", "Your name; it is kept."):argname("NAME"):count(1)
  resolve:option("--charge", "The charge's id at the provider, where there is one."):argname("ID")
  resolve:option("--note", "A remark; it is kept."):argname("TEXT")
  command:command("export", "Every operation, a line of JSON each.")
  command:option("--journal", "Where it is: a file or a postgres URL; else PIX_JOURNAL, else "
    .. "pix.db."):argname("DB")
end

-- ---- Showing ----

local function moment(seconds)
  return seconds and os.date("%Y-%m-%d %H:%M:%S", math.floor(seconds)) or ""
end

local function members(row)
  local result = {}
  for _, name in ipairs(MEMBERS) do
    result[name] = row[name]
  end
  if next(row.data or {}) == nil then
    result.data = nil
  end
  return result
end

local function print_json(ctx, rows)
  local list = json.list({})
  for i, row in ipairs(rows) do
    list[i] = members(row)
  end
  ctx.print(json.encode(list))
end

local function money(row)
  return row.amount and require("pix").format(row.amount) or ""
end

-- An operation that was not answered has no status to show.
local function status_of(ctx, row)
  return row.state == "answered" and ctx.say(row.status) or ""
end

local function print_table(ctx, rows)
  if ctx.json then
    return print_json(ctx, rows)
  elseif #rows == 0 then
    return ctx.print(ctx.say("journal_empty"))
  end
  local lines = { { ctx.say("amount"), ctx.say("made"), ctx.say("kind"), ctx.say("state"),
    ctx.say("status"), ctx.say("provider"), ctx.say("reference"), ctx.say("id") } }
  for i, row in ipairs(rows) do
    lines[i + 1] = { money(row), moment(row.created), row.kind, ctx.say("state_" .. row.state)
      .. (row.orphan and ", " .. ctx.say("orphan") or "")
      .. (row.owed and ", " .. ctx.say("owed") or ""), status_of(ctx, row), row.provider,
      terminal.printable(row.reference), row.id }
  end
  for _, line in ipairs(terminal.columns(lines, { true })) do
    ctx.print(line)
  end
end

local function value_of(name, value)
  if TIMES[name] then
    return moment(value)
  end
  return type(value) == "number" and ("%.0f"):format(value) or terminal.printable(value)
end

local function print_whole(ctx, row)
  local lines = {}
  for _, name in ipairs(MEMBERS) do
    local value = row[name]
    if name == "amount" then
      value = value and money(row)
    end
    if value ~= nil and name ~= "data" then
      lines[#lines + 1] = { ctx.paint("dim", name), value_of(name, value) }
    end
  end
  local names = {}
  for name in pairs(row.data or {}) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = { ctx.paint("dim", name), value_of(name, row.data[name]) }
  end
  for _, line in ipairs(terminal.columns(lines)) do
    ctx.print(line)
  end
end

-- ---- Actions ----

local function newer(a, b)
  if a.created ~= b.created then
    return a.created > b.created
  end
  return a.id < b.id
end

-- The newest of all rows that fit, however many there are.
local function newest(journal, fits, most)
  local rows = {}
  local function trim()
    table.sort(rows, newer)
    for i = #rows, most + 1, -1 do
      rows[i] = nil
    end
  end
  local total, err = journal:export(function(row)
    if fits(row) then
      rows[#rows + 1] = row
    end
    if #rows > 4 * most + MOST then
      trim()
    end
  end)
  trim()
  return total and rows, err
end

local function list(ctx, rows, err)
  if not rows then
    return report.failure(ctx, err)
  end
  print_table(ctx, rows)
  return exit.OK
end

local ACTIONS = {}

function ACTIONS.ls(ctx, args, journal)
  return list(ctx, newest(journal, function(row)
    return (not args.state or row.state == args.state)
      and (not args.reference or row.reference == args.reference)
  end, args.n))
end

function ACTIONS.orphans(ctx, args, journal)
  return list(ctx, journal:orphans({ n = args.n }))
end

-- What an id means: an operation, all those of an order, or the one that has the charge. With each
-- the cancels and refunds of it.
local function find(journal, id)
  local row, err = journal:get(id)
  if err then
    return nil, err
  end
  local rows = { row }
  if not row then
    rows, err = journal:by_reference(id)
  end
  for _, name in ipairs(require("pix.cli.account").names) do
    if rows and #rows == 0 then
      rows[1], err = journal:by_charge(name, id)
    end
  end
  if not rows or err then
    return nil, err
  end
  for i = 1, #rows do
    local more
    more, err = journal:by_reference(rows[i].id)
    for _, settled in ipairs(more or {}) do
      rows[#rows + 1] = settled
    end
  end
  return not err and rows, err
end

function ACTIONS.show(ctx, args, journal)
  local rows, err = find(journal, args.id)
  if not rows then
    return report.failure(ctx, err)
  elseif #rows == 0 then
    return report.failure(ctx, { kind = "not_found", sent = "no",
      message = ctx.say("journal_lacks", terminal.printable(args.id)) })
  elseif ctx.json then
    print_json(ctx, rows)
    return exit.OK
  end
  for i, row in ipairs(rows) do
    if i > 1 then
      ctx.print("")
    end
    print_whole(ctx, row)
  end
  return exit.OK
end

function ACTIONS.resolve(ctx, args, journal)
  local row, err = journal:resolve(args.id, { as = args.as, by = args.by, note = args.note,
    charge_id = args.charge, now = require("pix.core").reactor():wall() })
  if not row then
    return report.failure(ctx, err)
  elseif ctx.json then
    ctx.print(json.encode(members(row)))
  else
    ctx.print(ctx.say("resolved", row.id, args.as == "failed" and ctx.say("state_failed")
      or ctx.say(row.status)))
  end
  return exit.OK
end

function ACTIONS.export(ctx, _, journal)
  local total, err = journal:export(function(row)
    ctx.print(json.encode(members(row)))
  end)
  return total and exit.OK or report.failure(ctx, err)
end

function M.run(ctx, args)
  local journal, err = open_journal(ctx, args)
  if not journal then
    return report.failure(ctx, err)
  end
  local status = ACTIONS[args.action](ctx, args, journal)
  journal:close()
  return status
end

return M
