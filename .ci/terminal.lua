-- .ci/terminal.lua TITLE COLUMNS <bytes >picture.svg - what a terminal that wide shows after it was
-- given these bytes.
--
-- A small terminal: text, carriage return, colours and the few movements that our programs use.
-- Half blocks are drawn as rectangles: a QR code can be scanned whatever the font.
local WIDE, HIGH, SIZE, MARGIN, BAR = 8.4, 18, 14, 14, 30
local INK, PAPER = "#d8dee9", "#1e222a"
local PALETTE = { [0] = "#2e3440", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2",
  "#d8dee9" }
local BLOCKS = { ["█"] = { 0, 1 }, ["▀"] = { 0, 0.5 }, ["▄"] = { 0.5, 0.5 } }

local COLUMNS = tonumber(arg[2])
local screen, row, column = { {} }, 1, 1
local pen = {}

local function line_at(number)
  for i = #screen + 1, number do screen[i] = {} end
  return screen[number]
end

local function put(character)
  if column > COLUMNS then row, column = row + 1, 1 end
  line_at(row)[column] = { character, ink = pen.ink, paper = pen.paper, dim = pen.dim,
    bold = pen.bold }
  column = column + 1
end

-- Our codes are black on white: really black, really white.
local INKS, PAPERS = { [97] = "#ffffff" }, { [107] = "#ffffff" }
for i = 0, 7 do
  INKS[30 + i], PAPERS[40 + i] = PALETTE[i], PALETTE[i]
  INKS[90 + i], PAPERS[100 + i] = INKS[90 + i] or PALETTE[i], PAPERS[100 + i] or PALETTE[i]
end
INKS[30], PAPERS[40], PAPERS[47] = "#000000", "#000000", "#ffffff"

local function paint(codes)
  for code in (codes == "" and "0" or codes):gmatch "%d+" do
    local number = tonumber(code)
    if number == 0 then pen = {}
    elseif number == 1 then pen.bold = true
    elseif number == 2 then pen.dim = true
    elseif number == 39 then pen.ink = nil
    elseif number == 49 then pen.paper = nil
    end
    pen.ink, pen.paper = INKS[number] or pen.ink, PAPERS[number] or pen.paper
  end
end

local MOVES = {
  m = paint,
  K = function(what)
    local line = line_at(row)
    for i = what == "2" and 1 or column, 1000 do line[i] = nil end
  end,
  J = function()
    local line = line_at(row)
    for i = column, 1000 do line[i] = nil end
    for i = row + 1, #screen do screen[i] = nil end
  end,
  A = function(count) row = math.max(1, row - (tonumber(count) or 1)) end,
  C = function(count) column = column + (tonumber(count) or 1) end,
  G = function(count) column = tonumber(count) or 1 end,
}

local function control(byte)
  if byte == "\n" then row, column = row + 1, 1
  elseif byte == "\r" then column = 1
  elseif byte == "\b" then column = math.max(1, column - 1) end
end

local function feed(text)
  local at = 1
  while at <= #text do
    local codes, move = text:match("^\27%[%??([%d;]*)(%a)", at)
    if codes then
      if MOVES[move] then MOVES[move](codes) end
      at = select(2, text:find("^\27%[%??[%d;]*%a", at)) + 1
    elseif text:find("^\27%]", at) then
      at = select(2, text:find("\7", at, true) or text:find("\27\\", at, true)) + 1
    else
      local character = text:match("^[%z\1-\127\194-\244][\128-\191]*", at) or "?"
      if character:find "^%c" then control(character) else put(character) end
      at = at + #character
    end
  end
end

-- ---- The picture ----

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local out = {}
local function add(form, ...) out[#out + 1] = form:format(...) end

local function rectangle(x, y, wide, high, colour)
  add('<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>', x, y, wide, high, colour)
end

-- Runs of equal cells become one element. `of(cell)` tells what is equal, or nil.
local function runs(line, of, visit)
  local from, last
  for i = 1, (line.n or 0) + 1 do
    local key = line[i] and of(line[i])
    if key ~= last then
      if last then visit(from, i - 1, last) end
      from, last = i, key
    end
  end
end

local function draw_line(line, y)
  runs(line, function(cell) return cell.paper end, function(from, to, colour)
    rectangle(MARGIN + (from - 1) * WIDE, y, (to - from + 1) * WIDE, HIGH, colour)
  end)
  runs(line, function(cell) return BLOCKS[cell[1]] and cell[1] .. (cell.ink or INK) end,
    function(from, to)
      local shape = BLOCKS[line[from][1]]
      rectangle(MARGIN + (from - 1) * WIDE, y + shape[1] * HIGH, (to - from + 1) * WIDE,
        shape[2] * HIGH, line[from].ink or INK)
    end)
  runs(line, function(cell)
    if BLOCKS[cell[1]] or cell[1] == " " then return nil end
    return (cell.ink or INK) .. (cell.dim and "d" or "") .. (cell.bold and "b" or "")
  end, function(from, to)
    local words = {}
    for i = from, to do words[#words + 1] = line[i][1] end
    local cell = line[from]
    add('<text x="%.2f" y="%.2f" fill="%s"%s%s textLength="%.2f">%s</text>',
      MARGIN + (from - 1) * WIDE, y + HIGH - 5, cell.ink or INK,
      cell.dim and ' opacity="0.6"' or "", cell.bold and ' font-weight="bold"' or "",
      (to - from + 1) * WIDE, escape(table.concat(words)))
  end)
end

feed(io.read "*a")
while screen[#screen] and next(screen[#screen]) == nil do screen[#screen] = nil end
local columns = #arg[1] + 16 -- the title, and the buttons beside it
for _, line in ipairs(screen) do
  for i in pairs(line) do
    if type(i) == "number" then line.n = math.max(line.n or 0, i) end
  end
  columns = math.max(columns, line.n or 0)
end

local width = math.ceil(columns * WIDE) + 2 * MARGIN
local height = #screen * HIGH + 2 * MARGIN + BAR
add('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
  .. 'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace" '
  .. 'font-size="%d" shape-rendering="crispEdges">', width, height, width, height, SIZE)
add('<title>%s</title>', escape(arg[1]))
add('<rect width="%d" height="%d" rx="8" fill="%s"/>', width, height, PAPER)
for i, colour in ipairs { "#e06c75", "#e5c07b", "#98c379" } do
  add('<circle cx="%d" cy="16" r="5" fill="%s"/>', 4 + i * 16, colour)
end
add('<text x="%d" y="21" fill="%s" opacity="0.7" text-anchor="middle">%s</text>',
  math.floor(width / 2), INK, escape(arg[1]))
for number, line in ipairs(screen) do
  draw_line(line, BAR + MARGIN + (number - 1) * HIGH)
end
add "</svg>"
io.write(table.concat(out, "\n"), "\n")
