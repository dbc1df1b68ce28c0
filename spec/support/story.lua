--- Runs what a page of documentation shows, in the order in which it is shown, as a reader would:
-- in one folder and one shell. A fence's language says what happens to it; a fence of any other
-- language, or of none, is an error, so that nothing is passed over.
--
--   sh     is run by sh; what it sets holds for what follows
--   lua    is run as a program; or, if its first line is a comment that begins with a file's name,
--          is put into that file. Then something else on the page must run it
--   nginx  the same: its first line names the file, and nginx must read it
--   text   is what a program prints, or a picture; nobody can run it
--
-- The words lua5.4, pix, busted, love, nginx, make, sudo, luarocks and dpkg-buildpackage are
-- commands of this tree here (BIN below); what else a page needs to be different is in `instead`.
local program = require "spec.support.program"

local M = {}

--- The fenced blocks of a text: { language, text, line }. Indented fences belong to lists.
function M.blocks(text)
  local list, block, number = {}, nil, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local fence = line:match "^%s*```(.*)$"
    if fence and block then
      block.text = table.concat(block.lines, "\n") .. "\n"
      list[#list + 1], block = block, nil
    elseif fence then
      block = { language = fence, line = number, lines = {} }
    elseif block then
      block.lines[#block.lines + 1] = line
    end
  end
  assert(not block, "a fence is not closed")
  return list
end

-- ---- Commands that mean this tree ----

local BIN = {
  -- Under a sanitizer the interpreter is a wrapper that looks for the real one on the PATH.
  ["lua5.4"] = 'PATH=$OLD_PATH exec "$INTERPRETER" "$@"',
  pix = 'PATH=$OLD_PATH exec "$INTERPRETER" "$ROOT/spec/support/pix_cli.lua" "$@"',
  busted = 'PATH=$OLD_PATH exec "$INTERPRETER" "$ROOT/.ci/busted.lua" "$@"',
  sudo = 'exec "$@"',
  -- LÖVE and nginx run LuaJIT, whatever the spec runs.
  love = [[
export LUA_PATH="$ROOT/lua/?.lua;$ROOT/lua/?/init.lua;;" LUA_CPATH="$ROOT/build/luajit/?.so;;"
export SDL_VIDEODRIVER=offscreen LIBGL_ALWAYS_SOFTWARE=1 HOME="$STORY"
exec timeout 500 /usr/bin/env -u LD_PRELOAD PATH="$OLD_PATH" love "$@"]],
  nginx = [[
export LUA_PATH="$ROOT/lua/?.lua;$ROOT/lua/?/init.lua;./?.lua;;"
export LUA_CPATH="$ROOT/build/luajit/?.so;;" PATH="$OLD_PATH:/usr/sbin:/sbin"
exec env -u LD_PRELOAD nginx -e "$STORY/error.log" -g "user $(id -un) $(id -gn);" "$@"]],
  -- The whole suite cannot be run from inside it: make tells what it would do. The rest is done,
  -- and what would be installed lands in the story's folder.
  make = [[
PATH=$(echo "$OLD_PATH" | sed "s|$ROOT/\.ci/wrap:||g")
unset MAKEFLAGS MFLAGS VARIANT VALGRIND LD_PRELOAD
run() { make --no-print-directory -s -C "$ROOT" "$@"; }
case $* in
check | docs) run -n "$@" >/dev/null ;;
demo) run LUA="$VM" demo ;;
"") run LUA="$VM" all ;;
install)
  run LUA="$VM" DESTDIR="$STORY/installed" install
  env -u LUA_PATH -u LUA_CPATH PIX_LUA="$INTERPRETER" "$STORY/installed/usr/local/bin/pix" \
    --version ;;
new-provider*)
  mkdir "$STORY/tree"
  (cd "$ROOT" && cp -r .ci Makefile src lua spec "$STORY/tree")
  make --no-print-directory -s -C "$STORY/tree" "$@" ;;
*) echo "this story has no 'make $*'" >&2; exit 1 ;;
esac]],
  ["dpkg-buildpackage"] = '[ "$*" = "-b -us -uc" ] && [ -x "$ROOT/debian/rules" ]',
  luarocks = [[
PATH=$OLD_PATH
case $* in
"make --deps-mode none "*) cd "$ROOT" && luarocks lint "$4" ;;
*) echo "this story has no 'luarocks $*'" >&2; exit 1 ;;
esac]],
}

-- ---- The story ----

local function write(name, text)
  os.execute("mkdir -p " .. program.quote(name:match "^(.*)/"))
  local file = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
end

local function file_name(block)
  local mark = block.language == "lua" and "%-%-" or "#"
  return block.text:match("^" .. mark .. " ([%w_/%-%.]+%.%a+)%f[^%w]")
end

local Story = {}
Story.__index = Story

function Story:_mark(block)
  return ("%s/.ran-%d"):format(self.folder, block.line)
end

local HANDLERS = { text = function() return "" end }

function HANDLERS.sh(_, block) return block.text end

function HANDLERS.lua(self, block)
  local name = file_name(block)
  local ran = ("io.open(%q, 'w'):close() "):format(self:_mark(block))
  block.file = name or ("block-%d.lua"):format(block.line)
  write(self.folder .. "/" .. block.file, ran .. block.text)
  return name and "" or "lua5.4 " .. block.file .. "\n"
end

function HANDLERS.nginx(self, block)
  block.file = assert(file_name(block), self.page .. ":" .. block.line .. ": names no file")
  local ran = ("init_worker_by_lua_block { io.open(%q, 'w'):close() }"):format(self:_mark(block))
  local text, count = block.text:gsub("\nhttp {", function() return "\nhttp { " .. ran end)
  assert(count == 1, "there is no http block")
  write(self.folder .. "/" .. block.file, text)
  return ""
end

-- What a story leaves running is ended, whatever happens.
local BEGIN = [[
set -eu
finish() {
  set +e
  for f in *.pid; do [ ! -e "$f" ] || kill "$(cat "$f")"; done
  jobs -p >.jobs
  kill $(cat .jobs)
  wait
}
trap 'finish 2>/dev/null' EXIT
]]
-- A person types more slowly than a script: what begins in the background has begun by then.
local function pause(block)
  local file = block.text:match "> *(%S+%.env) &"
  return file and ("until [ -s %s ]; do sleep 0.02; done\n"):format(file) or ""
end

function Story:_script()
  local parts = { BEGIN }
  for _, block in ipairs(self.blocks) do
    local handler = assert(HANDLERS[block.language],
      ("%s:%d: a fence of language %q is not run"):format(self.page, block.line, block.language))
    parts[#parts + 1] = ("echo '@@ %d'\n%s%s"):format(block.line, handler(self, block),
      pause(block))
  end
  return table.concat(parts)
end

-- What a program printed: where it stands, or, if it is a file, in what follows.
local function printed_by(self, block, printed)
  local list = {}
  for _, other in ipairs(self.blocks) do
    local here = other == block or file_name(block) and other.line > block.line
    list[#list + 1] = here and printed[other.line] or nil
  end
  return table.concat(list)
end

-- Printed values: what stands behind --> on a line of a program must be in its output, in order.
local function check_printed(self, block, printed)
  local at = 1
  printed = printed:gsub("[ \t]+", " ")
  for value in block.text:gsub("[ \t]+", " "):gmatch "%-%-> ?([^\n]+)" do
    local from, to = printed:find(value, at, true)
    if not from then
      error(("%s:%d: %q was not printed, but:\n%s"):format(self.page, block.line, value,
        printed), 0)
    end
    at = to + 1
  end
end

-- Its full path: the story's PATH begins with commands of the same names.
local function interpreter()
  local pipe = assert(io.popen("command -v " .. program.quote(program.interpreter())))
  local path = pipe:read "*l"
  pipe:close()
  return path
end

local function plainly(text)
  return (text:gsub("%p", "%%%0"))
end

function Story:_read(instead)
  local text = program.read(self.page)
  for old, new in pairs(instead or {}) do
    local count
    text, count = text:gsub(plainly(old), function() return new end)
    assert(count > 0, self.page .. " has no " .. old)
  end
  self.blocks = M.blocks(text)
end

function Story:_environment(given)
  local env = { ROOT = program.root, STORY = self.folder, INTERPRETER = interpreter(),
    OLD_PATH = os.getenv "PATH", PATH = self.bin .. ":" .. os.getenv "PATH",
    VM = rawget(_G, "jit") and "luajit" or "5.4", LANG = "C.UTF-8" }
  for name, value in pairs(given or {}) do env[name] = value end
  return env
end

-- What each block printed, by its line.
function Story:_outputs(out)
  local printed, line = {}, 0
  for text in (out .. "\n"):gmatch "(.-)\n" do
    local begun = text:match "^@@ (%d+)$"
    if begun then line = tonumber(begun) end
    printed[line] = (printed[line] or "") .. (begun and "" or text .. "\n")
  end
  self.last = line
  return printed
end

--- Runs a page. Raises where something on it fails, was not run, or did not print what it says.
-- @tparam string page
-- @tparam[opt] table options instead = { [text] = what stands for it here }, env
-- @treturn {string,…} what each block printed, by its line
function M.run(page, options)
  options = options or {}
  local self = setmetatable({ page = page, folder = program.folder() }, Story)
  self.bin = self.folder .. "/.bin"
  for name, text in pairs(BIN) do
    write(self.bin .. "/" .. name, "#!/bin/sh\n" .. text .. "\n")
  end
  os.execute("chmod +x " .. self.bin .. "/*")
  local ok, err = pcall(function()
    self:_read(options.instead)
    write(self.folder .. "/.story", self:_script())
    local result = program.run({ "timeout", "600", "sh", ".story" },
      { folder = self.folder, env = self:_environment(options.env) })
    local printed = self:_outputs(result.out)
    if result.status ~= 0 then
      error(("%s:%d: exit status %d\n%s%s"):format(page, self.last, result.status,
        printed[self.last] or "", result.err), 0)
    end
    for _, block in ipairs(self.blocks) do
      if block.file and not io.open(self:_mark(block)) then
        error(("%s:%d: nothing ran %s"):format(page, block.line, block.file), 0)
      end
      if block.language == "lua" then
        check_printed(self, block, printed_by(self, block, printed))
      end
    end
    return printed
  end)
  program.remove(self.folder)
  if not ok then error(err, 2) end
  return err
end

return M
