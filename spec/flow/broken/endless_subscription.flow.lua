-- A card that is declined is tried again and again.
return flow "endless subscription" {
  start = "join",

  join = subscribe {
    plan = "PLAN123",
    subscribed = "open", declined = "rest", failed = "rest", unknown = "help",
  },
  rest = wait { time = "1m", next = "join" },
  open = perform "open access" { delivers = true, ok = "welcome", failed = "help" },
  help = alert { message = "Conferir a assinatura", next = "sorry" },
  welcome = done {}, sorry = fail {},
}
