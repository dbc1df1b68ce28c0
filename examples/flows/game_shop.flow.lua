-- A game's shop: the game server grants the item, and the money goes back if it cannot.
-- The host gives perform.grant (idempotent by context.key) and a view "qr".
return flow "game shop" {
  input = { price = "money", item = "text", player = "text", order = "text" },
  providers = { "ssg" },
  start = "pay",

  pay = charge {
    amount = "{price}", reference = "{order}", description = "{item}",
    show = "qr", expires = "10m",
    paid = "grant", expired = "closed", cancelled = "closed", failed = "later", unknown = "support",
    on = { close = "closed" },
  },
  grant = perform "grant" {
    with = { item = "{item}", player = "{player}" }, save = "receipt",
    delivers = true, timeout = "20s", attempts = 5, show = "granting",
    ok = "granted", failed = "give_back",
  },
  give_back = refund { of = "pay", show = "refunding", refunded = "given_back", failed = "support" },
  support = alert { message = "{player}: {item}, pedido {order}", next = "ticket" },

  granted = done { show = "granted", result = { receipt = "{receipt}" } },
  closed = done { show = "closed" },
  given_back = fail { show = "given_back" },
  later = fail { show = "later" },
  ticket = fail { show = "ticket" },
}
