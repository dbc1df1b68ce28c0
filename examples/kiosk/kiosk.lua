--- What the kiosk shows and does: idle, menu, or a sale. Draws nothing (screens.lua does).
local machine = require "machine"
local menu = require "menu"
local sale = require "sale"
local texts = require "texts"

local M = {}

local Kiosk = {}
Kiosk.__index = Kiosk

-- How long, in seconds, a screen stays when nobody touches it.
local STAY = { menu = 30, ready = 8, expired = 8, cancelled = 4, refunded = 15, stuck = 60,
  doubt = 60, problem = 8 }

local function go(app, screen)
  app.screen, app.since = screen, app.clock()
  app.on_screen(app)
end

--- @tparam table options flow, checkout, journal, clock, language ("pt" or "en"), alert
function M.new(options)
  local app = setmetatable({
    flow = options.flow, checkout = options.checkout, journal = options.journal,
    alert = options.alert, clock = options.clock, machine = machine, menu = menu,
    language = texts[options.language] and options.language or "pt", selected = 1, columns = 2,
    on_screen = function() end,
  }, Kiosk)
  go(app, "idle")
  return app
end

-- What a sale needs; `more` is added.
local function options_of(app, more)
  local options = { flow = app.flow, checkout = app.checkout, journal = app.journal,
    alert = app.alert, machine = app.machine, clock = app.clock, menu = app.menu,
    on_state = function(it)
      if app.sale == it then go(app, it.state) end
    end }
  for name, value in pairs(more) do options[name] = value end
  return options
end

--- After a start: shows what a power cut has interrupted, unless somebody has begun anew. May
-- yield.
function Kiosk:resume()
  local found = sale.resume(options_of(self, {}))
  if not found or self.sale then return end
  self.sale = found
  go(self, found.state)
end

--- The words in the language that is shown.
function Kiosk:texts()
  return texts[self.language]
end

--- A touch, or any key, begins.
function Kiosk:wake()
  self.selected = 1
  go(self, "menu")
end

function Kiosk:toggle_language()
  self.language = self.language == "pt" and "en" or "pt"
  self.since = self.clock()
end

--- The customer wants the menu's item at this place.
function Kiosk:order(place)
  local product = self.menu[place]
  if not product or self.screen ~= "menu" then return end
  self.selected = place
  self.sale = sale.start(options_of(self, { product = product }))
  go(self, self.sale.state)
end

function Kiosk:cancel()
  if self.sale then self.sale:cancel() end
end

--- The answer to a question of the flow's: "yes" or "no".
function Kiosk:answer(word)
  if self.sale then self.sale:answer(word) end
end

--- Leaves a screen that has nothing more to tell.
function Kiosk:back()
  if self.sale and not self.sale:over() then return end
  self.sale = nil
  go(self, "menu")
end

--- Seconds that the payer has left.
function Kiosk:left()
  return math.max(0, self.sale.deadline - self.clock())
end

--- Once a frame: leaves screens at which nobody looks any more.
function Kiosk:update()
  local stay = STAY[self.screen]
  if not stay or self.clock() - self.since < stay then return end
  self.sale = nil
  go(self, "idle")
end

-- ---- Keyboard and touch ----

local function move(app, step)
  app.selected = (app.selected + step - 1) % #app.menu + 1
  app.since = app.clock()
end

local MENU_KEYS = {
  left = function(app) move(app, -1) end,
  right = function(app) move(app, 1) end,
  up = function(app) move(app, -app.columns) end,
  down = function(app) move(app, app.columns) end,
  ["return"] = function(app) app:order(app.selected) end,
  escape = function(app) go(app, "idle") end,
}
MENU_KEYS.kpenter = MENU_KEYS["return"]

--- A key: 1–6, arrows and Enter choose or say yes, Esc goes back, cancels or says no, L changes the
-- language; F12 is the technician's, and breaks the machine.
function Kiosk:key(key)
  if key == "f12" then
    self.machine.broken = not self.machine.broken
  elseif key == "l" then
    self:toggle_language()
  elseif self.screen == "idle" then
    self:wake()
  elseif self.screen == "menu" then
    if MENU_KEYS[key] then return MENU_KEYS[key](self) end
    self:order(tonumber(key:match "(%d)$") or 0)
  elseif self.screen == "again" then
    if key == "return" or key == "kpenter" then self:answer "yes" end
    if key == "escape" then self:answer "no" end
  elseif key == "escape" and not self.sale:over() then
    self:cancel()
  elseif self.sale:over() then
    self:back()
  end
end

--- A touch: what the screen has at this place.
-- @tparam number x
-- @tparam number y
-- @tparam table screens has hit(x, y) → function(app) or nil
function Kiosk:touch(x, y, screens)
  if self.screen == "idle" and not screens.hit(x, y) then return self:wake() end
  local action = screens.hit(x, y)
  if action then action(self) end
end

return M
