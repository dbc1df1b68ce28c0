-- A coffee kiosk: a menu, the code on the screen, coffee when it is paid. Run it with
--
--     love examples/kiosk
--
-- Without credentials (SSG_CLIENT_ID, SSG_CLIENT_SECRET, SSG_DEVICE_CODE) it sells in the sandbox,
-- which pays each charge after five seconds. A sale is a run of ../flows/coffee.flow.lua, kept in a
-- journal: after a power cut the kiosk goes on where it was. Nothing here blocks a frame: sale.lua
-- waits in tasks, and pix.update() is called once a frame.
local here = love.filesystem.getSource()
package.path = package.path .. (";%s/../../lua/?.lua;%s/../../lua/?/init.lua"):format(here, here)
package.cpath = package.cpath .. (";%s/../../build/luajit/?.so"):format(here)

local pix = require "pix"
local account = require "account"
local kiosk = require "kiosk"
local probe = require "probe"
local screens = require "screens"

local app

function love.load()
  pix.use "love" -- a call that would freeze a frame is refused
  love.graphics.setBackgroundColor(0.16, 0.11, 0.09)
  love.filesystem.createDirectory "" -- the save directory
  local checkout, journal = account.open(love.filesystem.getSaveDirectory())
  app = kiosk.new {
    flow = assert(pix.flow.load(here .. "/../flows/coffee.flow.lua")),
    checkout = checkout, journal = journal,
    clock = love.timer.getTime,
    language = os.getenv "PIX_KIOSK_LANGUAGE",
    alert = function(message) io.stderr:write("attendant: ", message, "\n") end,
  }
  probe.start(app)
  pix.spawn(function()
    account.recover()
    app:resume()
  end)
end

function love.update()
  pix.update()
  app:update()
  probe.update()
end

function love.draw()
  screens.draw(app)
end

function love.keypressed(key)
  app:key(key)
end

function love.mousepressed(x, y, _, is_touch)
  if not is_touch then app:touch(x, y, screens) end
end

function love.touchpressed(_, x, y)
  app:touch(x, y, screens)
end

function love.quit()
  account.close()
end
