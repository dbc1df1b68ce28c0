--- pix flow: check, draw, play, test and trace checkout flows (docs/flow.md).
local exit = require("pix.cli.exit")
local json = require("pix.cli.json")
local open_journal = require("pix.cli.open_journal")
local report = require("pix.cli.report")
local terminal = require("pix.cli.terminal")

local M = { summary = "Check, draw, play, test and trace checkout flows." }

local function pair(text)
  local name, value = text:match("^([%a_][%w_ ]*)=(.*)$")
  if not name then
    return nil, "NAME=VALUE is expected, not " .. text
  end
  return { name, value }
end

local function count(text)
  local number = tonumber(text)
  if not number or number % 1 ~= 0 or number < 1 then
    return nil, "a whole number from 1 on is expected"
  end
  return number
end

function M.define(command)
  command:command_target("action")
  command:require_command(true)
  local check = command:command("check", "Prove flows; exit status 4 if one is refused.")
  check:argument("files", "Flow files."):args("+"):argname("FILE")
  local graph = command:command("graph", "Draw a flow: Graphviz dot, Mermaid, SVG or PNG.")
  graph:argument("file", "The flow."):argname("FILE")
  graph:flag("--mermaid", "Mermaid instead of dot.")
  graph:option("--svg", "Write a picture (needs Graphviz)."):argname("FILE")
  graph:option("--png", "Write a picture (needs Graphviz)."):argname("FILE")
  local run = command:command("run", "Play a flow in the terminal, against a private sandbox.")
  run:argument("file", "The flow."):argname("FILE")
  run:argument("input", "Its input: total=8.50"):args("*"):argname("NAME=VALUE"):convert(pair)
  run:option("--keys", "Press these keys, one at each wait, instead of asking."):argname("KEYS")
  run:option("--journal", "Keep the run there: a file or a postgres URL."):argname("DB")
  run:option("--returns", "What a function of the host's returns."):argname("NAME=VALUE")
    :count("*"):convert(pair)
  local test = command:command("test", "Walk every path of a flow, up to a bound.")
  test:argument("file", "The flow."):argname("FILE")
  test:option("--bound", "Times that a path may come to one state; 2."):argname("N"):convert(count)
  test:option("--paths", "Walk so many paths at most; 400."):argname("N"):convert(count)
  test:option("--returns", "What a function of the host's returns."):argname("NAME=VALUE")
    :count("*"):convert(pair)
  local trace = command:command("trace", "Tell what happened to a run, from the journal.")
  trace:argument("id", "The run; without it, the runs that there are."):args("?"):argname("RUN")
  trace:option("--journal", "Where it is kept; else PIX_JOURNAL, else pix.db."):argname("DB")
end

-- ---- Findings ----

local function finding_members(finding)
  return { file = finding.file, line = finding.line, state = finding.state, rule = finding.rule,
    message = finding.message, fix = finding.fix,
    path = finding.path and require("pix.flow.rules").path(finding.path) or nil }
end

local function tell_findings(ctx, file, err)
  if ctx.json then
    local list = json.list({})
    for i, finding in ipairs(err.findings) do
      list[i] = finding_members(finding)
    end
    return ctx.print(json.encode({ file = file, ok = false, findings = list }))
  end
  for _, finding in ipairs(err.findings) do
    ctx.note(require("pix").flow.render(finding))
  end
end

local function load(ctx, file)
  local flow, err = require("pix").flow.load(file)
  if not flow then
    tell_findings(ctx, file, err)
  end
  return flow
end

local actions = {}

function actions.check(ctx, args)
  local refused = 0
  for _, file in ipairs(args.files) do
    local flow = load(ctx, file)
    if not flow then
      refused = refused + 1
    elseif ctx.json then
      ctx.print(json.encode({ file = file, ok = true, flow = flow.name, version = flow.version,
        states = #flow.graph.nodes }))
    else
      ctx.print(("%s: %s is proved, %d states (version %s)"):format(file,
        terminal.printable(flow.name), #flow.graph.nodes, flow.version))
    end
  end
  return refused > 0 and exit.INVALID or exit.OK
end

-- ---- Drawing ----

-- Returns nil, or what is wrong.
local function picture(flow, format, path)
  local source = os.tmpname()
  local file = assert(io.open(source, "wb"))
  file:write(flow:draw("dot"))
  file:close()
  local pipe = assert(io.popen(("command -v dot >/dev/null || { echo absent; exit; }; "
    .. "dot -T%s -o %s %s 2>&1 && echo done"):format(format, terminal.quote(path),
      terminal.quote(source))))
  local said = pipe:read("*a"):gsub("%s+$", "")
  pipe:close()
  os.remove(source)
  if said:find("done$") then
    return nil
  end
  local absent = said == "absent"
  return { kind = "config", sent = "no", message = absent and "there is no program dot" or
    ("%s was not written: %s"):format(path, said),
    hint = absent and "install Graphviz (Debian: graphviz); --mermaid needs none"
      or "name a file that can be written" }
end

function actions.graph(ctx, args)
  local flow = load(ctx, args.file)
  if not flow then
    return exit.INVALID
  end
  for _, format in ipairs({ "svg", "png" }) do
    local err = args[format] and picture(flow, format, args[format])
    if err then
      return report.failure(ctx, err)
    end
  end
  if not (args.svg or args.png) then
    ctx.print((flow:draw(args.mermaid and "mermaid" or "dot"):gsub("\n$", "")))
  end
  return exit.OK
end

-- ---- Testing ----

local function as_value(text)
  if text == "true" or text == "false" then
    return text == "true"
  end
  return tonumber(text) or text
end

-- --returns quote=1500 --returns quote=0: each path is walked with each of them.
local function returns_of(pairs_given)
  local sets = {}
  for i, given in ipairs(pairs_given or {}) do
    sets[i] = { [given[1]] = as_value(given[2]) }
  end
  return #sets > 0 and sets or nil
end

function actions.test(ctx, args)
  local flow = load(ctx, args.file)
  if not flow then
    return exit.INVALID
  end
  local walked = require("pix.flow.walk").all(flow, args.file, { bound = args.bound,
    most = args.paths, returns = returns_of(args.returns) })
  if ctx.json then
    ctx.print(json.encode({ walked = walked.walked, all = walked.all, states = walked.states,
      outcomes = walked.outcomes, of_states = walked.of_states, of_outcomes = walked.of_outcomes,
      missing = json.list(walked.missing), harms = json.list(walked.harms) }))
  else
    ctx.print(("%d paths walked%s"):format(walked.walked,
      walked.all and "" or ", not all there are"))
    ctx.print(("states %d of %d, outcomes %d of %d"):format(walked.states, walked.of_states,
      walked.outcomes, walked.of_outcomes))
    for _, missing in ipairs(walked.missing) do
      ctx.print("  not reached: " .. missing)
    end
    if #walked.missing > 0 and not args.returns[1] then
      ctx.print("  say what the host's functions return: --returns NAME=VALUE, also twice")
    end
    for _, harm in ipairs(walked.harms) do
      ctx.note(("%s: %s"):format(harm.what, harm.way))
    end
  end
  return #walked.harms > 0 and exit.INVALID or exit.OK
end

-- ---- Runs ----

function actions.run(ctx, args)
  local flow = load(ctx, args.file)
  if not flow then
    return exit.INVALID
  end
  local returns = {}
  for _, given in ipairs(args.returns or {}) do
    returns[given[1]] = as_value(given[2])
  end
  return require("pix.cli.flow_play").play(ctx, flow, args, returns)
end

-- One line a run, the newest last.
local function list_runs(ctx, journal)
  local rows, page = {}, nil
  local err
  repeat
    page, err = journal:run_list({ after = page and page[#page].id })
    if not page then
      return nil, err
    end
    for _, row in ipairs(page) do
      rows[#rows + 1] = row
    end
  until #page == 0
  table.sort(rows, function(a, b) return a.created < b.created end)
  local date = require("pix.core").date
  for _, row in ipairs(rows) do
    if ctx.json then
      ctx.print(json.encode({ run = row.id, flow = row.flow, state = row.state,
        ended = row.ended, created = row.created, updated = row.updated }))
    else
      ctx.print(("%s  %s  %s %s (%s)"):format((date(math.floor(row.created)):gsub("T", " ")),
        row.id, row.ended and "ended at" or "stands at", row.state, terminal.printable(row.flow)))
    end
  end
  return true
end

function actions.trace(ctx, args)
  local pix = require("pix")
  local journal, err = open_journal(ctx, args)
  if not journal then
    return report.failure(ctx, err)
  end
  if not args.id then
    local ok
    ok, err = list_runs(ctx, journal)
    journal:close()
    return ok and exit.OK or report.failure(ctx, err)
  end
  local lines
  lines, err = pix.flow.trace(journal, args.id)
  journal:close()
  if not lines then
    return report.failure(ctx, err)
  end
  if ctx.json then
    ctx.print(json.encode({ run = args.id, lines = json.list(lines) }))
  else
    for _, line in ipairs(lines) do
      ctx.print(terminal.printable(line))
    end
  end
  return exit.OK
end

function M.run(ctx, args)
  return actions[args.action](ctx, args)
end

return M
