--- Shapes and texts in units of the screen, and what a touch hits.
local M = { hits = {} }

local g = love.graphics

M.colours = {
  cream = { 0.98, 0.95, 0.89 }, ink = { 0.20, 0.13, 0.10 }, muted = { 0.76, 0.68, 0.60 },
  panel = { 0.24, 0.17, 0.14 }, accent = { 0.93, 0.60, 0.24 }, good = { 0.36, 0.73, 0.45 },
  bad = { 0.87, 0.40, 0.34 }, white = { 1, 1, 1 }, black = { 0, 0, 0 },
}

local fonts = {}

--- A font of so many units, made once.
local function font(units)
  local size = math.max(12, math.floor(units * M.unit + 0.5))
  fonts[size] = fonts[size] or g.newFont(size)
  return fonts[size]
end

--- Begins a frame: the unit follows the screen's shape.
function M.begin()
  M.width, M.height = g.getDimensions()
  M.portrait = M.height > M.width
  M.unit = M.portrait and math.min(M.width / 24, M.height / 40)
    or math.min(M.height / 22, M.width / 36)
  M.hits = {}
end

function M.colour(name, alpha)
  local c = type(name) == "table" and name or M.colours[name]
  g.setColor(c[1], c[2], c[3], alpha or 1)
end

--- Writes text centred (or "left") in a column, wrapped. Returns the y below it.
function M.text(text, x, y, width, units, colour, align)
  local face = font(units)
  M.colour(colour or "cream")
  g.setFont(face)
  g.printf(text, math.floor(x), math.floor(y), math.floor(width), align or "center")
  local _, lines = face:getWrap(text, math.floor(width))
  return y + #lines * face:getHeight()
end

--- The height that M.text will take.
function M.text_height(text, width, units)
  local face = font(units)
  local _, lines = face:getWrap(text, math.floor(width))
  return #lines * face:getHeight()
end

function M.panel(x, y, width, height, colour, radius)
  M.colour(colour or "panel")
  g.rectangle("fill", x, y, width, height, radius or M.unit * 0.6)
end

--- Where a touch calls action(app).
function M.touchable(x, y, width, height, action)
  M.hits[#M.hits + 1] = { x = x, y = y, width = width, height = height, action = action }
end

--- A button with its label in the middle.
function M.button(label, x, y, width, height, action, colour)
  M.panel(x, y, width, height, colour or "panel", height / 2)
  local units = 0.95
  local tall = M.text_height(label, width, units)
  M.text(label, x, y + (height - tall) / 2, width, units,
    colour == "accent" and "ink" or "cream")
  M.touchable(x, y, width, height, action)
end

--- The action under a touch, or nil.
function M.hit(x, y)
  for i = #M.hits, 1, -1 do
    local area = M.hits[i]
    if x >= area.x and x < area.x + area.width and y >= area.y and y < area.y + area.height then
      return area.action
    end
  end
end

return M
