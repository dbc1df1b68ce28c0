--- Reads LuaCATS annotations as lua-language-server does, far enough to say what it would refuse:
-- tags, types, names. https://luals.github.io/wiki/annotations has the grammar.
local M = {}

-- ---- Types: a parser by descent over what is left of a line ----

local parse_type

-- A plain string, or nil. `at` is a table { text, i } that moves.
local function eat(at, pattern)
  local from, to, capture = at.text:find("^[ \t]*(" .. pattern .. ")", at.i)
  if not from then return nil end
  at.i = to + 1
  return capture
end

local function expect(at, pattern, what)
  return eat(at, pattern) or error(("%s was expected at %q"):format(what, at.text:sub(at.i)), 0)
end

local function parse_list(at, closing, item)
  if eat(at, closing) then return end
  repeat
    item(at)
  until not eat(at, "[,;]")
  expect(at, closing, closing)
end

local function parse_parameter(at)
  if not eat(at, "%.%.%.") then expect(at, "[%a_][%w_]*", "a parameter's name") end
  eat(at, "%?")
  if eat(at, ":") then parse_type(at) end
end

local function parse_function(at)
  expect(at, "%(", "(")
  parse_list(at, "%)", parse_parameter)
  if not eat(at, ":") then return end
  repeat
    eat(at, "%.%.%.")
    parse_type(at)
  until not eat(at, ",")
end

local function parse_member(at)
  if eat(at, "%[") then
    parse_type(at)
    expect(at, "%]", "]")
  else
    expect(at, "[%a_][%w_]*", "a member's name")
    eat(at, "%?")
  end
  expect(at, ":", ":")
  parse_type(at)
end

local function parse_name(at)
  local name = expect(at, "[%a_][%w_%.]*", "a type")
  if name == "fun" then return parse_function(at) end
  at.used[#at.used + 1] = name
  if eat(at, "<") then parse_list(at, ">", parse_type) end
end

local function parse_one(at)
  if eat(at, "%(") then
    parse_type(at)
    expect(at, "%)", ")")
  elseif eat(at, "{") then
    parse_list(at, "}", parse_member)
  elseif not (eat(at, '"[^"]*"') or eat(at, "'[^']*'") or eat(at, "%-?%d+")) then
    parse_name(at)
  end
  while eat(at, "%[%]") or eat(at, "%?") do at.postfix = true end
end

function parse_type(at)
  repeat
    parse_one(at)
  until not eat(at, "|")
end

-- ---- Tags ----

local TAGS = {}

function TAGS.meta(at) eat(at, "[%w_%.]+") end

function TAGS.async() end

function TAGS.class(at, unit)
  local name = expect(at, "[%a_][%w_%.]*", "a class's name")
  unit.class = { name = name, fields = {}, methods = {}, parents = {} }
  unit.types[name] = true
  unit.classes[name] = unit.class
  if not eat(at, ":") then return end
  repeat
    local parent = expect(at, "[%a_][%w_%.]*", "a class's name")
    at.used[#at.used + 1] = parent
    table.insert(unit.class.parents, parent)
  until not eat(at, ",")
end

function TAGS.field(at, unit)
  assert(unit.class, "a field outside a class")
  if eat(at, "%[") then
    parse_type(at)
    expect(at, "%]", "]")
  else
    unit.class.fields[expect(at, "[%a_][%w_]*", "a field's name")] = true
    eat(at, "%?")
  end
  parse_type(at)
end

function TAGS.alias(at, unit)
  unit.types[expect(at, "[%a_][%w_%.]*", "an alias's name")] = true
  if at.text:find("%S", at.i) then parse_type(at) end
end

function TAGS.param(at, unit)
  local name = eat(at, "%.%.%.") or expect(at, "[%a_][%w_]*", "a parameter's name")
  eat(at, "%?")
  parse_type(at)
  table.insert(unit.params, name)
end

TAGS["return"] = function(at)
  repeat
    parse_type(at)
    eat(at, "%.%.%.")
    if not at.text:find("^[ \t]*[%a_][%w_]*[ \t]*,", at.i) then break end
    eat(at, "[%a_][%w_]*")
  until not eat(at, ",")
end

function TAGS.overload(at)
  expect(at, "fun", "fun")
  parse_function(at)
end

local BUILT_IN = { any = true, string = true, number = true, integer = true, boolean = true,
  table = true, ["function"] = true, userdata = true, thread = true, ["nil"] = true,
  ["true"] = true, ["false"] = true, self = true, unknown = true }

local function read_tag(unit, tag, rest)
  local read = TAGS[tag] or error("there is no tag @" .. tag, 0)
  local at = { text = rest, i = 1, used = {} }
  read(at, unit)
  for _, name in ipairs(at.used) do unit.used[#unit.used + 1] = { name, unit.where } end
end

-- ---- What stands between the annotations ----

-- A function's formal arguments must be those that are annotated, in their order.
local function read_function(unit, owner, name, arguments)
  local formal = {}
  for argument in arguments:gmatch "[%w_%.]+" do formal[#formal + 1] = argument end
  local given, wanted = table.concat(unit.params, ", "), table.concat(formal, ", ")
  if given ~= wanted then
    error(("%s(%s) is annotated with (%s)"):format(name, wanted, given), 0)
  end
  local class = unit.locals[owner]
  if not class and not unit.tables[owner] then error("nothing is known of " .. owner, 0) end
  local methods = class and class.methods or unit.tables[owner]
  methods[name] = true
end

local function read_code(unit, line)
  local owner, name, arguments = line:match "^function ([%w_%.]-)[%.:]?([%w_]+)(%b()) end$"
  if name and owner == "" then
    unit.words[name] = true
  elseif name then
    read_function(unit, owner, name, arguments)
  elseif line:match "^local [%w_]+ = {}$" then
    unit.locals[line:match "^local ([%w_]+)"] = assert(unit.class, "a table without a class")
  elseif line:match "^[%w_%.]+ = " then
    local path = line:match "^[%w_%.]+"
    if line:find "= {}$" then unit.tables[path] = {} end
    local base, member = path:match "^(.*)%.([%w_]+)$"
    unit.locals[base].methods[member] = true
  elseif not line:find "^return [%w_]+$" then
    error("this is no annotation: " .. line, 0)
  end
  unit.params = {}
end

local function read_line(unit, line)
  local tag, rest = line:match "^%-%-%-@(%w+) ?(.*)$"
  if tag then return read_tag(unit, tag, rest) end
  local choice = line:match "^%-%-%-| (.*)$"
  if choice then return parse_type { text = choice, i = 1, used = {} } end
  if line ~= "" and not line:find "^%-%-" then read_code(unit, line) end
end

--- Reads files of annotations that belong together.
-- @tparam {string,…} paths
-- @treturn table classes = { name = { fields, methods, parents } }, tables = { name = { … } },
--   words = { global = true }
-- @treturn {string,…} what is wrong, each with its file and line
function M.read(paths)
  local unit = { types = {}, classes = {}, used = {}, tables = {}, words = {} }
  local wrong = {}
  for _, path in ipairs(paths) do
    local number = 0
    unit.params, unit.locals, unit.class = {}, {}, nil
    for line in io.lines(path) do
      number = number + 1
      unit.where = path .. ":" .. number
      local ok, err = pcall(read_line, unit, line)
      if not ok then wrong[#wrong + 1] = unit.where .. ": " .. err end
    end
  end
  for _, use in ipairs(unit.used) do
    if not BUILT_IN[use[1]] and not unit.types[use[1]] then
      wrong[#wrong + 1] = use[2] .. ": there is no type " .. use[1]
    end
  end
  return unit, wrong
end

return M
