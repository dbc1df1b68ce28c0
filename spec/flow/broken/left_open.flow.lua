-- The charge is left payable when the customer walks away.
return flow "left open" {
  input = { total = "money" },
  start = "make",

  make = charge { amount = "{total}", wait = false, made = "look", failed = "sorry", unknown = "help" },
  look = wait {
    of = "make", timeout = "2m",
    paid = "hand_over", expired = "sorry", cancelled = "sorry", failed = "sorry",
    timed_out = "sorry",
  },
  hand_over = perform "hand over" { delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "Falar com o cliente", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
