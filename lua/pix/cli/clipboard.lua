--- The clipboard, by the escape sequence OSC 52: it works through ssh, and needs no program.
local M = {}

--- What a terminal is sent so that it puts a text on its clipboard.
function M.sequence(text)
  return "\27]52;c;" .. require("pix.core").base64(text) .. "\7"
end

return M
