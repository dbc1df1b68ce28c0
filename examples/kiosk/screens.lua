--- Draws what the kiosk shows, at any size: units of ui.lua, one column in portrait, two in
-- landscape.
local pix = require "pix"
local pictures = require "pictures"
local ui = require "ui"

local M = { hit = ui.hit }

-- ---- Parts ----

local function language_button(app)
  local u = ui.unit
  ui.button(app:texts().other, ui.width - 7 * u, u * 0.7, 6.3 * u, 1.9 * u,
    function(it) it:toggle_language() end)
end

local BUTTON = 4.2 -- units at the lower edge where a button lies

-- A mark, a title and a hint in the middle of the screen, above the button.
local function message(title, hint, draw_mark)
  local u, width = ui.unit, ui.width * 0.9
  local x = (ui.width - width) / 2
  local mark = ui.portrait and 4.5 * u or 2.8 * u
  local tall = 2 * mark + 1.4 * u + ui.text_height(title, width, 2) + 0.5 * u
    + ui.text_height(hint, width, 1.15)
  local y = math.max(0.5 * u, (ui.height - BUTTON * u - tall) / 2)
  draw_mark(ui.width / 2, y + mark, mark)
  y = ui.text(title, x, y + 2 * mark + 1.4 * u, width, 2)
  return ui.text(hint, x, y + 0.5 * u, width, 1.15, "muted")
end

local function marked(kind)
  return function(x, y, radius) pictures.mark(kind, x, y, radius, love.timer.getTime()) end
end

local function wide_button(label, action, colour)
  local u = ui.unit
  local width = math.min(ui.width * 0.7, 16 * u)
  ui.button(label, (ui.width - width) / 2, ui.height - 3.8 * u, width, 2.6 * u, action, colour)
end

local function cup_of(app)
  return function(x, y, radius)
    pictures.cup(app.sale.product, x, y + radius, radius * 2, love.timer.getTime())
  end
end

-- ---- Screens ----

local draw = {}

function draw.idle(app)
  local t, u = app:texts(), ui.unit
  local product = app.menu[math.floor(love.timer.getTime() / 3) % #app.menu + 1]
  message(t.idle_title, t.idle_hint, function(x, y, radius)
    pictures.cup(product, x, y + radius, radius * 2.1, love.timer.getTime())
  end)
  language_button(app)
  ui.text("Pix", u, u * 0.75, 6 * u, 1.4, "accent", "left")
end

local function menu_card(app, place, x, y, width, height)
  local t, u, product = app:texts(), ui.unit, app.menu[place]
  local chosen = place == app.selected
  ui.panel(x, y, width, height, chosen and { 0.36, 0.25, 0.19 } or "panel")
  local words = 3.3 * u
  local size = math.min(height - words - 0.9 * u, width * 0.6)
  pictures.cup(product, x + width / 2, y + 0.5 * u + size, size, nil)
  local below = ui.text(t[product.id], x, y + height - words, width, 1.05)
  ui.text(pix.format(product.price), x, below, width, 1.15, "accent")
  ui.text(tostring(place), x + 0.5 * u, y + 0.3 * u, 2 * u, 0.8, "muted", "left")
  ui.touchable(x, y, width, height, function(it) it:order(place) end)
end

function draw.menu(app)
  local t, u = app:texts(), ui.unit
  local columns = ui.portrait and 2 or 3 -- of six
  local rows, gap = #app.menu / columns, 0.7 * u
  local top = ui.portrait and 6.5 * u or 3.4 * u
  local bottom = ui.portrait and 3.2 * u or 2.1 * u
  local width = (ui.width - gap * (columns + 1)) / columns
  local height = (ui.height - top - bottom - gap * (rows - 1)) / rows
  app.columns = columns
  ui.text(t.menu_title, gap, ui.portrait and 3.2 * u or 0.8 * u,
    ui.portrait and ui.width - 2 * gap or ui.width - 8 * u, 1.6, "cream",
    ui.portrait and "center" or "left")
  for place = 1, #app.menu do
    local column, row = (place - 1) % columns, math.floor((place - 1) / columns)
    menu_card(app, place, gap + column * (width + gap), top + row * (height + gap), width, height)
  end
  ui.text(t.menu_hint, 0, ui.height - bottom * 0.72, ui.width, 0.9, "muted")
  language_button(app)
end

function draw.creating(app)
  message(app:texts().creating, app:texts().creating_hint, marked "wait")
  wide_button(app:texts().cancel, function(it) it:cancel() end)
end

function draw.closing(app)
  message(app:texts().closing, app:texts().closing_hint, marked "wait")
end

function draw.again(app)
  local t, u = app:texts(), ui.unit
  message(t.again, t.again_hint, cup_of(app))
  local width = math.min(ui.width * 0.45, 12 * u)
  local gap = (ui.width - 2 * width) / 3
  ui.button(t.no, gap, ui.height - 3.8 * u, width, 2.6 * u, function(it) it:answer "no" end)
  ui.button(t.yes, 2 * gap + width, ui.height - 3.8 * u, width, 2.6 * u,
    function(it) it:answer "yes" end, "accent")
end

local function countdown(app, x, y, width)
  local u, left = ui.unit, app:left()
  local share = math.min(1, left / app.sale.seconds)
  ui.panel(x, y, width, 0.5 * u, "panel", 0.25 * u)
  if share > 0.03 then
    ui.panel(x, y, width * share, 0.5 * u, share < 0.2 and "bad" or "accent", 0.25 * u)
  end
  local clock = ("%d:%02d"):format(math.floor(left / 60), math.floor(left % 60))
  return ui.text(app:texts().pay_left:format(clock), x, y + 0.8 * u, width, 0.9, "muted")
end

local function steps(app, x, y, width)
  local u = ui.unit
  for number, text in ipairs(app:texts().pay_steps) do
    ui.colour "accent"
    love.graphics.circle("fill", x + 0.75 * u, y + 0.75 * u, 0.75 * u)
    ui.text(tostring(number), x, y + 0.12 * u, 1.5 * u, 0.95, "ink")
    y = ui.text(text, x + 2.1 * u, y + 0.1 * u, width - 2.1 * u, 0.95, "cream", "left") + 0.5 * u
  end
  return y
end

local function order_line(app, x, y, width)
  local t, product = app:texts(), app.sale.product
  y = ui.text(t.pay_title, x, y, width, 1.6)
  return ui.text(("%s · %s"):format(t[product.id], pix.format(product.price)), x, y, width, 1.1,
    "accent")
end

local function waiting_portrait(app)
  local u = ui.unit
  local side = math.min(ui.width - 2 * u, ui.height * 0.55)
  local x = (ui.width - side) / 2
  local y = order_line(app, u, 1.6 * u, ui.width - 2 * u) + 0.8 * u
  app.pixels = pictures.qr(app.sale.qr, x, y, side)
  y = steps(app, 2.5 * u, y + side + 1.2 * u, ui.width - 4 * u)
  countdown(app, 2 * u, y + 0.6 * u, ui.width - 4 * u)
end

local function waiting_landscape(app)
  local u = ui.unit
  local side = math.min(ui.height - 1.4 * u, ui.width * 0.58)
  local x = side + 1.6 * u
  local width = ui.width - x - 0.9 * u
  app.pixels = pictures.qr(app.sale.qr, 0.7 * u, (ui.height - side) / 2, side)
  local y = order_line(app, x, 0.8 * u, width) + 0.7 * u
  y = steps(app, x, y, width)
  countdown(app, x, math.min(y + 0.2 * u, ui.height - 6.6 * u), width)
  ui.button(app:texts().cancel, x, ui.height - 3.3 * u, width, 2.5 * u,
    function(it) it:cancel() end)
end

function draw.waiting(app)
  if not ui.portrait then return waiting_landscape(app) end
  waiting_portrait(app)
  wide_button(app:texts().cancel, function(it) it:cancel() end)
end

function draw.paid(app)
  message(app:texts().paid, app:texts().paid_hint, marked "good")
end

function draw.brewing(app)
  local t, u = app:texts(), ui.unit
  message(t.brewing:format(t[app.sale.product.id]:lower()), t.brewing_hint, cup_of(app))
  local width = ui.width * 0.6
  local x, y = (ui.width - width) / 2, ui.height - 3 * u
  ui.panel(x, y, width, 0.7 * u, "panel", 0.35 * u)
  local filled = math.max(0.7 * u, width * app.machine.progress)
  ui.panel(x, y, filled, 0.7 * u, "accent", 0.35 * u)
end

local function ending(kind, hint)
  return function(app)
    local t = app:texts()
    local text = t[app.screen .. "_hint"]
    if hint then
      local price = pix.format(app.sale.product.price):gsub(" ", "\194\160") -- not wrapped
      text = text:format(price, app.sale.order)
    end
    message(t[app.screen], text, kind == "cup" and cup_of(app) or marked(kind))
    if app.sale:over() then wide_button(t.back, function(it) it:back() end) end
  end
end

draw.ready = ending "cup"
draw.expired = ending "bad"
draw.cancelled = ending "bad"
draw.problem = ending "bad"
draw.refunding = ending("wait", true)
draw.refunded = ending("good", true)
draw.stuck = ending("bad", true)
draw.doubt = ending("bad", true)

--- Draws one frame.
function M.draw(app)
  ui.begin()
  draw[app.screen](app)
end

return M
