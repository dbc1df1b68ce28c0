-- PIX_KIOSK_SIZE=800x480 opens a window of that size; without it the kiosk takes the whole screen.
function love.conf(t)
  local width, height = (os.getenv "PIX_KIOSK_SIZE" or ""):match "^(%d+)x(%d+)$"
  t.identity = "pix-kiosk"
  t.version = "11.4"
  t.window.title = "Café"
  t.window.width = tonumber(width) or 1080
  t.window.height = tonumber(height) or 1920
  t.window.fullscreen = width == nil
  t.window.resizable = true
  for _, name in ipairs { "audio", "joystick", "physics", "sound", "video" } do
    t.modules[name] = false
  end
end
