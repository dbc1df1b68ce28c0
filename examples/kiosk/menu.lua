--- What is sold: prices in centavos, colours of the drink for the picture.
return {
  { id = "espresso", price = 500, drink = { 0.24, 0.13, 0.07 }, level = 0.45, cup = "small" },
  { id = "coffee", price = 450, drink = { 0.28, 0.16, 0.09 }, level = 0.8, cup = "large" },
  { id = "latte", price = 850, drink = { 0.72, 0.52, 0.36 }, level = 0.8, cup = "glass" },
  { id = "cappuccino", price = 900, drink = { 0.62, 0.42, 0.27 }, level = 0.72, cup = "large",
    foam = true },
  { id = "chocolate", price = 950, drink = { 0.36, 0.18, 0.11 }, level = 0.72, cup = "large",
    foam = true },
  { id = "tea", price = 400, drink = { 0.70, 0.36, 0.12 }, level = 0.75, cup = "glass" },
}
