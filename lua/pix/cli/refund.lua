--- pix refund: pay a charge back.
local reverse = require("pix.cli.reverse")
local terminal = require("pix.cli.terminal")

return reverse.new("refund", "Pay a charge back to the payer.", function(ctx, heard)
  return ctx.say("refunded_of", terminal.printable(heard.id),
    heard.amount and require("pix").format(heard.amount) or "")
end)
