-- The item is granted although nobody knows whether it was paid.
return flow "unpaid delivery" {
  input = { total = "money" },
  start = "pay",

  pay = charge {
    amount = "{total}",
    paid = "grant", expired = "sorry", cancelled = "sorry", failed = "sorry", unknown = "grant",
  },
  grant = perform "grant" { delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "Conferir o pagamento", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
