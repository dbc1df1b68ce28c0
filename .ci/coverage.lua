-- .ci/coverage.lua FOLDER - reads what .ci/coverage gathered: FOLDER/c/*.gcov, and FOLDER/lua/*
-- with a "file:line" for each line that ran. A table of all files, then the uncovered lines of
-- those where the money is decided about, then "N passed, N failed", one for each of these.
--
-- A line that no test can reach is marked where it stands, with the reason: `uncovered: …` in a
-- comment on it, which holds as far as its block goes on. The mark itself is held to be true: a
-- marked line that ran is a failure.
local folder = assert(arg[1], "usage: coverage.lua FOLDER")

-- Where a defect would be one of money: what was sent, for how much, once or twice, and who knows.
local MONEY = {
  "src/core/money.c", "src/core/brcode.c", "src/core/http.c", "src/core/http_carrier.c",
  "src/core/journal.c", "src/core/journal_batch.c", "src/core/journal_tx.c",
  "src/provider/codec_args.c", "src/provider/codec_decode.c", "src/provider/codec_encode.c",
  "src/provider/codec_error.c", "src/provider/codec_reply.c", "src/provider/codec_webhook.c",
  "src/provider/detseg.c", "src/provider/payzu.c", "src/provider/ssg.c",
  "src/lua/call.c", "src/lua/l_token.c", "src/lua/l_webhook.c",
  "lua/pix/budget.lua", "lua/pix/breaker.lua", "lua/pix/charge.lua", "lua/pix/checkout.lua",
  "lua/pix/checkout/options.lua", "lua/pix/checkout/order.lua", "lua/pix/checkout/settle.lua",
  "lua/pix/events.lua", "lua/pix/guard.lua", "lua/pix/journal.lua", "lua/pix/journal/record.lua",
  "lua/pix/journal/runs.lua", "lua/pix/journal/schema.lua", "lua/pix/journal/sql.lua",
  "lua/pix/journal/work.lua", "lua/pix/latch.lua", "lua/pix/memory.lua", "lua/pix/provider.lua",
  "lua/pix/resolve.lua", "lua/pix/retry.lua", "lua/pix/select.lua", "lua/pix/waiting.lua",
  "lua/pix/watch.lua", "lua/pix/webhook.lua",
  "lua/pix/flow/effects.lua", "lua/pix/flow/memory.lua", "lua/pix/flow/money.lua",
  "lua/pix/flow/resume.lua", "lua/pix/flow/runner.lua", "lua/pix/flow/till.lua",
}

local function lines_of(command)
  local pipe, list = assert(io.popen(command)), {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  pipe:close()
  return list
end

-- files[name] = { [line] = did it run?, text = { [line] = … } }
local files = {}

local function note(name, number, ran)
  local file = files[name]
  file[number] = file[number] or ran
end

-- ---- C ----

-- A line of gcov's listing: count, number, text. A file is in several listings if it is in
-- several objects.
local function read_gcov(path)
  local name
  for line in io.lines(path) do
    local count, number, text = line:match "^%s*([^:]+):%s*(%d+):(.*)$"
    number = tonumber(number)
    if number == 0 and text:find "^Source:" then
      name = text:match "^Source:(.*)"
      if not name:find "^src/.*%.c$" then return end
      files[name] = files[name] or { text = {} }
    elseif number and number > 0 and name then
      files[name].text[number] = text
      if count ~= "-" then note(name, number, not count:find "[#=]") end
    end
  end
end

-- ---- Lua ----

-- What the virtual machine has instructions for, but which is no step of the program's: the end of
-- a block, where a function returns that has returned before; a break, to which a jump before it
-- does not lead but past it. (Nor is VARARGPREP, at the head of a function with `...`, which no
-- hook sees.)
local function is_step(text)
  local rest = text:gsub("%-%-.*", ""):gsub("[%s%(%){},;]", "")
  return rest ~= "" and rest ~= "end" and rest ~= "else" and rest ~= "endend"
    and rest ~= "break"
end

local function read_lua(name)
  local file, number = { text = {} }, 0
  for line in io.lines(name) do
    number = number + 1
    file.text[number] = line
  end
  files[name] = file
  for _, line in ipairs(lines_of("luac5.4 -l -l -p " .. name)) do
    number = tonumber(line:match "^\t%d+\t%[(%d+)%]\t")
    if number and not line:find "VARARGPREP" and is_step(file.text[number]) then
      note(name, number, false)
    end
  end
end

local function read_hook()
  for _, path in ipairs(lines_of(("ls %s/lua/*"):format(folder))) do
    for line in io.lines(path) do
      local name, number = line:match "^(.-):(%d+)$"
      number = tonumber(number)
      local file = files[name]
      if file and file[number] ~= nil then file[number] = true end
    end
  end
end

-- ---- Report ----

-- The numbers of the marked lines: a mark holds as long as lines are indented as far as it is.
local function marks(file)
  local set, margin = {}, nil
  for number, text in ipairs(file.text) do
    local indent = #text:match "^%s*"
    if margin and text:find "%S" and indent < margin then margin = nil end
    if text:find "uncovered: %S" then margin = indent end
    set[number] = margin ~= nil
  end
  return set
end

-- Numbers of the lines that did not run, the marked ones apart; marked ones that did run.
local function judge(file)
  local missing, marked, wrong, all, is_marked = {}, 0, {}, 0, marks(file)
  for number in ipairs(file.text) do
    local ran = file[number]
    if ran ~= nil then
      all = all + 1
      if is_marked[number] then
        marked = marked + 1
        if ran then wrong[#wrong + 1] = number end
      elseif not ran then
        missing[#missing + 1] = number
      end
    end
  end
  return { missing = missing, marked = marked, wrong = wrong, all = all }
end

local function table_of(names)
  local all, missing = 0, 0
  for _, name in ipairs(names) do
    local found = judge(files[name])
    print(("%-34s %5d lines %6.1f %%%s"):format(name, found.all,
      100 * (1 - #found.missing / math.max(found.all, 1)),
      found.marked > 0 and ("   %d marked"):format(found.marked) or ""))
    all, missing = all + found.all, missing + #found.missing
  end
  print(("%-34s %5d lines %6.1f %%\n"):format("all", all, 100 * (1 - missing / all)))
end

local function show(name, numbers, what)
  for _, number in ipairs(numbers) do
    print(("%s:%d: %s: %s"):format(name, number, what, files[name].text[number]))
  end
end

for _, path in ipairs(lines_of(("ls %s/c/*.gcov"):format(folder))) do
  read_gcov(path)
end
for _, name in ipairs(lines_of "find lua -name '*.lua'") do
  read_lua(name)
end
read_hook()

local c, lua = {}, {}
for name in pairs(files) do
  table.insert(name:find "^src/" and c or lua, name)
end
table.sort(c)
table.sort(lua)
table_of(c)
table_of(lua)

local passed, failed = 0, 0
for _, name in ipairs(MONEY) do
  assert(io.open(name), name .. " is gone"):close()
  local found = judge(files[name] or { text = {} }) -- gcov is silent about a file of tables only
  show(name, found.missing, "not run by any test")
  show(name, found.wrong, "is marked, but was run")
  local good = #found.missing == 0 and #found.wrong == 0
  passed, failed = passed + (good and 1 or 0), failed + (good and 0 or 1)
end
print(("%d passed, %d failed"):format(passed, failed))
