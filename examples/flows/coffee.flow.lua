-- coffee.flow.lua
return flow "coffee" {
  input = { total = "money", order = "text" },
  start = "pay",

  pay = charge {
    amount = "{total}", reference = "{order}", description = "Pedido {order}",
    show = "qr", expires = "5m",
    paid = "brew", expired = "again", cancelled = "bye", failed = "sorry", unknown = "attendant",
    on = { cancel = "bye" },                   -- a signal from the host; the charge is cancelled first
  },
  brew      = perform "brew" { delivers = true, timeout = "90s", attempts = 2, ok = "thanks", failed = "give_back" },
  give_back = refund { of = "pay", refunded = "sorry", failed = "attendant" },
  again     = ask { show = "again", timeout = "20s", yes = "pay", no = "bye", timed_out = "bye" },
  attendant = alert { message = "Pedido {order}: falar com o cliente", next = "sorry" },
  thanks = done { show = "thanks" }, bye = done { show = "bye" }, sorry = fail { show = "sorry" },
}
