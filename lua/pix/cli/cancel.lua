--- pix cancel: end a charge that is not paid, so that nobody can pay it any more.
local reverse = require("pix.cli.reverse")
local terminal = require("pix.cli.terminal")

return reverse.new("cancel", "End a charge that is not paid.", function(ctx, heard)
  return ctx.say("now_cancelled", terminal.printable(heard.id), heard.provider)
end)
