-- After an unknown outcome the customer is asked to pay once more.
return flow "charged twice" {
  input = { total = "money" },
  start = "pay",

  pay = charge {
    amount = "{total}",
    paid = "hand_over", expired = "again", cancelled = "sorry", failed = "sorry", unknown = "again",
  },
  again = ask { show = "again", timeout = "20s", yes = "pay", no = "help", timed_out = "help" },
  hand_over = perform "hand over" { delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "Falar com o cliente", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
