--- The pictures: cups, the QR code, marks. All drawn, so that there is no file to ship.
local ui = require "ui"

local M = {}

local g = love.graphics

local QUIET = 4 -- modules of white around a QR code, as its standard asks

local FOAM = 0.14 -- of a cup's height

local SHAPES = {
  small = { width = 0.62, height = 0.46, taper = 0.12 },
  large = { width = 0.66, height = 0.62, taper = 0.10 },
  glass = { width = 0.50, height = 0.74, taper = 0.06 },
}

-- The four corners of a cup's inside, filled from the bottom to `level`.
local function fill_cup(x, y, shape, size, level, colour)
  local half, taper = shape.width * size / 2, shape.taper * size
  local top = y - shape.height * size * level
  local inset = taper * (1 - level)
  ui.colour(colour)
  g.polygon("fill", x - half + inset, top, x + half - inset, top, x + half - taper, y,
    x - half + taper, y)
end

local function steam(x, y, size, time)
  ui.colour("cream", 0.5)
  g.setLineWidth(size * 0.03)
  for i = -1, 1 do
    local points = {}
    for step = 0, 8 do
      points[#points + 1] = x + i * size * 0.16
        + math.sin(step * 0.8 + time * 2 + i) * size * 0.035
      points[#points + 1] = y - step * size * 0.028
    end
    g.line(points)
  end
end

--- A cup that stands at (x, y), `size` high with its steam.
function M.cup(product, x, y, size, time)
  local shape = SHAPES[product.cup]
  local top = y - shape.height * size
  if product.cup ~= "glass" then
    ui.colour "cream"
    g.setLineWidth(size * 0.06)
    g.arc("line", "open", x + shape.width * size * 0.46, y - shape.height * size * 0.55,
      size * 0.14, -math.pi / 2, math.pi / 2)
  end
  fill_cup(x, y, shape, size, 1, product.cup == "glass" and { 0.85, 0.83, 0.80 }
    or ui.colours.cream)
  local inner = { width = shape.width * 0.86, height = shape.height * 0.92, taper = shape.taper }
  if product.foam then
    fill_cup(x, y - size * 0.03, inner, size, product.level + FOAM, { 0.90, 0.80, 0.66 })
  end
  fill_cup(x, y - size * 0.03, inner, size, product.level, product.drink)
  if time then steam(x, top - size * 0.04, size, time) end
end

local image, drawn -- the picture of the code that is shown now, and that code's matrix

local function image_of(matrix)
  if drawn == matrix then return image end
  local side = #matrix + 2 * QUIET
  local data = love.image.newImageData(side, side)
  data:mapPixel(function(x, y)
    local row = matrix[y - QUIET + 1]
    local dark = row and row[x - QUIET + 1]
    local light = dark and 0 or 1
    return light, light, light, 1
  end)
  image, drawn = g.newImage(data), matrix
  image:setFilter("nearest", "nearest")
  return image
end

--- The QR code, as large as whole pixels a module allow in a square. Returns pixels a module.
function M.qr(matrix, x, y, side)
  local picture = image_of(matrix)
  local scale = math.max(1, math.floor(side / picture:getWidth()))
  local size = picture:getWidth() * scale
  ui.colour "white"
  g.rectangle("fill", x, y, side, side, ui.unit * 0.4)
  g.draw(picture, math.floor(x + (side - size) / 2), math.floor(y + (side - size) / 2), 0, scale)
  return scale
end

--- A round mark: "good" (a tick), "bad" (a cross), "wait" (turning dots).
function M.mark(kind, x, y, radius, time)
  if kind == "wait" then
    for i = 0, 7 do
      ui.colour("accent", ((i + math.floor(time * 10)) % 8 + 1) / 8)
      g.circle("fill", x + math.cos(-i * math.pi / 4) * radius * 0.8,
        y + math.sin(-i * math.pi / 4) * radius * 0.8, radius * 0.16)
    end
    return
  end
  ui.colour(kind)
  g.circle("fill", x, y, radius)
  ui.colour "cream"
  g.setLineWidth(radius * 0.16)
  g.setLineJoin "bevel"
  if kind == "good" then
    g.line(x - radius * 0.42, y + radius * 0.02, x - radius * 0.1, y + radius * 0.36,
      x + radius * 0.46, y - radius * 0.32)
  else
    g.line(x - radius * 0.36, y - radius * 0.36, x + radius * 0.36, y + radius * 0.36)
    g.line(x - radius * 0.36, y + radius * 0.36, x + radius * 0.36, y - radius * 0.36)
  end
end

return M
