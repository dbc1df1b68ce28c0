--- The terminal: is there one, how large, colours, a line that is written over, columns.
-- Nothing but sh, test and stty is used, which every system of this kind has.
local M = {}

local CODES = { bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36" }

local function succeeded(result)
  return result == true or result == 0
end

--- A text as one word of sh.
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Is this descriptor (0, 1, 2) a terminal?
function M.is_terminal(fd)
  return succeeded(os.execute("test -t " .. fd))
end

--- Columns and rows, 80 × 24 when nobody knows.
function M.size(getenv)
  local pipe = io.popen("stty size 2>/dev/null </dev/tty", "r")
  local said = pipe and pipe:read("*l") or ""
  if pipe then
    pipe:close()
  end
  local rows, columns = said:match("^(%d+) (%d+)$")
  rows, columns = tonumber(rows) or 0, tonumber(columns) or 0
  if columns == 0 then
    columns = tonumber(getenv("COLUMNS")) or 80
  end
  return columns, rows > 0 and rows or tonumber(getenv("LINES")) or 24
end

--- Are colours welcome there? https://no-color.org
function M.wants_colour(fd, getenv)
  if (getenv("NO_COLOR") or "") ~= "" or getenv("TERM") == "dumb" then
    return false
  end
  return M.is_terminal(fd)
end

--- paint(name, text), which leaves the text alone where colours are not welcome.
function M.painter(colour)
  return function(name, text)
    return colour and ("\27[%sm%s\27[0m"):format(CODES[name], text) or text
  end
end

--- Columns that a text takes: characters, of which those here are all one wide.
function M.width(text)
  local plain = text:gsub("\27%[[%d;]*m", "")
  local _, count = plain:gsub("[^\128-\191]", "")
  return count
end

--- Does the terminal show more than ASCII?
function M.is_utf8(getenv)
  for _, name in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
    local value = getenv(name) or ""
    if value ~= "" then
      return value:find("[Uu][Tt][Ff]%-?8") ~= nil
    end
  end
  return false
end

--- At most so many columns of a text, never half a character.
function M.cut(text, columns)
  local count = 0
  for from in text:gmatch("()[^\128-\191]") do
    count = count + 1
    if count > columns then
      return text:sub(1, from - 1)
    end
  end
  return text
end

--- What a provider says, fit for a terminal: no control characters.
function M.printable(text)
  return (tostring(text):gsub("[%c\127]", "?"))
end

local function pad(text, width, right)
  local blanks = (" "):rep(width - M.width(text))
  return right and blanks .. text or text .. blanks
end

--- Rows of texts as lines, in columns.
-- @tparam {{string,…},…} rows
-- @tparam[opt] table right column number → true: flush right
-- @treturn {string,…}
function M.columns(rows, right)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, M.width(cell))
    end
  end
  for n, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = pad(cell, widths[i], right and right[i])
    end
    lines[n] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return lines
end

local FRAMES = { "⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏" }
local PLAIN_FRAMES = { "|", "/", "-", "\\" }

--- A line on stderr that is written over; all its methods do nothing where there is no terminal.
-- @tparam boolean wanted
-- @tparam function getenv
function M.progress(wanted, getenv)
  local shown = wanted and getenv("TERM") ~= "dumb" and M.is_terminal(2)
  local columns = shown and M.size(getenv) or 80
  local frames, turn = M.is_utf8(getenv) and FRAMES or PLAIN_FRAMES, 0
  local progress = {}

  function progress.show(text)
    if shown then
      turn = turn % #frames + 1
      io.stderr:write("\r", frames[turn], " ", M.cut(text, columns - 3), "\27[K")
    end
  end

  function progress.clear()
    if shown then
      io.stderr:write("\r\27[K")
    end
  end

  return progress
end

--- Seconds as 4:59.
function M.countdown(seconds)
  seconds = math.max(0, math.ceil(seconds))
  local rest = seconds % 60
  return ("%d:%02d"):format((seconds - rest) / 60, rest)
end

return M
