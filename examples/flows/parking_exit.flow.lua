-- The exit of a car park: what is due grows with time, so a code lives for three minutes. When it
-- has expired, and only then, the amount is asked for anew and another code is shown.
-- The host gives perform.quote (centavos that are due) and perform["open gate"].
return flow "parking exit" {
  input = { ticket = "text" },
  start = "quote",

  quote = perform "quote" {
    with = { ticket = "{ticket}" }, save = "due", timeout = "5s", attempts = 3,
    ok = "is_free", failed = "call",
  },
  is_free = choose { when = function(data) return data.due == 0 end, yes = "free", no = "pay" },
  free = perform "open gate" { with = { ticket = "{ticket}" }, ok = "bye", failed = "call" },

  pay = charge {
    amount = "{due}", reference = "{ticket}", description = "Estacionamento {ticket}",
    show = "qr", expires = "3m",
    paid = "open", expired = "still_there", cancelled = "still_there", failed = "call",
    unknown = "call", on = { help = "call" },
  },
  still_there = ask { show = "still_there", timeout = "1m", yes = "quote", no = "bye", timed_out = "bye" },

  open = perform "open gate" {
    with = { ticket = "{ticket}" }, delivers = true, timeout = "15s", attempts = 3,
    ok = "drive", failed = "call",
  },
  call = alert { message = "Saída: ajudar {ticket}", show = "help_comes", next = "helped" },

  drive = done { show = "drive" },
  bye = done { show = "idle" },
  helped = fail { show = "help_comes" },
}
