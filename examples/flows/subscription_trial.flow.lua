-- A subscription by card that begins with a trial. A card that is declined is asked for anew: nobody
-- is subscribed twice without having said so.
-- The host gives the card (pix.card{…}), perform["open access"], and the question's view.
return flow "subscription with trial" {
  input = { plan = "text", name = "text", tax_id = "text", email = "text", phone = "text",
    order = "text" },
  providers = { "payzu" },
  start = "offer",

  offer = ask {
    show = "offer", timeout = "10m",
    answers = { trial = "with_trial", at_once = "without_trial" }, no = "no_thanks",
    timed_out = "no_thanks",
  },
  with_trial = set { values = { trial = true }, next = "join" },
  without_trial = set { values = { trial = false }, next = "join" },

  join = subscribe {
    plan = "{plan}", trial = "{trial}", reference = "{order}", show = "joining",
    payer = { name = "{name}", tax_id = "{tax_id}", email = "{email}", phone = "{phone}" },
    subscribed = "open", declined = "another_card", failed = "try_later", unknown = "office",
  },
  another_card = ask { show = "another_card", timeout = "10m", yes = "join", no = "no_thanks",
    timed_out = "no_thanks" },
  open = perform "open access" {
    with = { email = "{email}" }, delivers = true, timeout = "30s", attempts = 3,
    ok = "welcome", failed = "office",
  },
  office = alert { message = "Assinatura {order} ({email}): conferir", next = "we_call" },

  welcome = done { show = "welcome" },
  no_thanks = done { show = "no_thanks" },
  try_later = fail { show = "try_later" },
  we_call = fail { show = "we_call" },
}
