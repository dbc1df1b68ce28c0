-- The machine jams, and the money stays with the shop.
return flow "kept money" {
  input = { total = "money" },
  start = "pay",

  pay = charge {
    amount = "{total}",
    paid = "brew", expired = "sorry", cancelled = "sorry", failed = "sorry", unknown = "help",
  },
  brew = perform "brew" { delivers = true, ok = "thanks", failed = "sorry" },
  help = alert { message = "Falar com o cliente", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
