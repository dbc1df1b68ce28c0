--- QR codes for the terminal and for files.
local M = {}

-- From the best to the smallest that phones still read: level of error correction, quiet zone.
local CHOICES = { { "M", 4 }, { "M", 2 }, { "L", 4 }, { "L", 2 }, { "L", 1 } }

--- Reads what stands behind --qr: "text", "none", "png FILE", "svg FILE".
-- @treturn table|nil {format =, file =}, or nil and what is wrong
function M.parse(text)
  if text == "text" or text == "none" then
    return { format = text }
  end
  local format, file = text:match("^(%a+)[ =](.+)$")
  if format == "png" or format == "svg" then
    return { format = format, file = file }
  end
  return nil, "--qr takes text, none, png FILE or svg FILE"
end

--- Columns and rows that half blocks need for a code of so many modules.
function M.extent(modules, margin)
  local side = modules + 2 * margin
  return side, math.ceil(side / 2)
end

--- How to draw a code so that it is seen whole.
-- @tparam function modules_of level → modules a side
-- @tparam number columns of the window
-- @tparam number rows of the window that the code may take
-- @treturn table|nil {level =, margin =}, or nil when none fits
-- @treturn number columns and rows that the smallest needs
function M.fit(modules_of, columns, rows)
  local wide, high
  for _, choice in ipairs(CHOICES) do
    wide, high = M.extent(modules_of(choice[1]), choice[2])
    if wide <= columns and high <= rows then
      return { level = choice[1], margin = choice[2] }, wide, high
    end
  end
  return nil, wide, high
end

--- Draws a code for a terminal of that size; explicit black on white, for an inverted code does not
-- scan.
-- @tparam function draw as pix.qr without its first argument: draw(format, options)
-- @tparam integer columns of the terminal
-- @tparam integer rows of the terminal
-- @tparam boolean colour by ANSI codes?
-- @treturn string|nil lines, or nil and either an error or the columns and rows that are needed
function M.draw(draw, columns, rows, colour)
  local failure
  local function modules_of(level)
    local matrix, err = draw("matrix", { level = level })
    failure = failure or err
    return matrix and #matrix or 0
  end
  local choice, wide, high = M.fit(modules_of, columns, rows)
  if failure then
    return nil, failure
  elseif not choice then
    return nil, wide, high
  end
  choice.colour = colour
  return draw("text", choice)
end

--- Writes a picture to a file.
-- @treturn boolean|nil true, or nil and an error
function M.write(draw, format, path)
  local picture, err = draw(format, { scale = 8, margin = 4 })
  if not picture then
    return nil, err
  end
  local file, why = io.open(path, "wb")
  if not (file and file:write(picture) and file:close()) then
    return nil, { kind = "config", sent = "no", message = "the QR code cannot be written: "
      .. tostring(why or path), hint = "name another file" }
  end
  return true
end

--- A new file for a picture, in a folder that is ours alone; nil if there is none to be had.
function M.new_file()
  local pipe = io.popen('mktemp -d "${TMPDIR:-/tmp}/pix-qr.XXXXXX" 2>/dev/null', "r")
  local folder = pipe and pipe:read("*l")
  if pipe then
    pipe:close()
  end
  return folder and folder .. "/pix.png"
end

--- Removes such a file and its folder.
function M.remove(file)
  os.remove(file)
  os.remove((file:gsub("/[^/]*$", "")))
end

return M
