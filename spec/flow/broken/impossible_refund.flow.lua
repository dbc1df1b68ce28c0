-- PayZu cannot refund, so the refund can never work.
return flow "impossible refund" {
  input = { total = "money" },
  providers = { "payzu" },
  start = "pay",

  pay = charge {
    amount = "{total}",
    paid = "grant", expired = "sorry", cancelled = "sorry", failed = "sorry", unknown = "help",
  },
  grant = perform "grant" { delivers = true, ok = "thanks", failed = "give_back" },
  give_back = refund { of = "pay", refunded = "sorry", failed = "help" },
  help = alert { message = "Devolver o dinheiro", next = "sorry" },
  thanks = done {}, sorry = fail {},
}
