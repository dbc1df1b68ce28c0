--- Questions on the terminal; answers that must not be seen are typed without echo.
-- A shell asks: it puts the terminal right whatever ends it, Ctrl-C included, which a Lua program
-- cannot. The answer comes through a pipe and is never an argument, which all users could see.
local terminal = require("pix.cli.terminal")

local M = {}

local VISIBLE = "IFS= read -r line </dev/tty && printf %s \"$line\""
local HIDDEN = table.concat({
  "saved=$(stty -g </dev/tty) || exit 1",
  "trap 'stty \"$saved\" </dev/tty; exit 130' INT TERM HUP",
  "stty -echo </dev/tty",
  "printf %%s %s >/dev/tty", -- what is typed from now on cannot be seen
  "IFS= read -r line </dev/tty; code=$?",
  "stty \"$saved\" </dev/tty",
  "echo >/dev/tty",
  "printf %%s \"$line\"; exit $code",
}, "\n")

--- Asks one question.
-- @tparam string question
-- @tparam[opt] boolean hidden
-- @treturn string|nil the answer, or nil when it was ended (Ctrl-C, Ctrl-D)
function M.ask(question, hidden)
  if not hidden then
    io.stderr:write(question)
  end
  local pipe = io.popen(hidden and HIDDEN:format(terminal.quote(question)) or VISIBLE, "r")
  local answer = pipe and pipe:read("*a")
  if pipe then
    pipe:close()
  end
  return answer ~= "" and answer or nil
end

return M
