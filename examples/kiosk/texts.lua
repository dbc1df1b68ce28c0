--- Every word on the screen, in both languages.
local M = {}

M.pt = {
  other = "English",
  idle_title = "Bom café!", idle_hint = "Toque na tela para começar",
  menu_title = "O que vai ser hoje?", menu_hint = "Pague com Pix, em segundos",
  espresso = "Espresso", coffee = "Café coado", latte = "Café com leite",
  cappuccino = "Cappuccino", chocolate = "Chocolate", tea = "Chá mate",
  creating = "Gerando o código…", creating_hint = "Só um instante.",
  pay_title = "Pague com Pix",
  pay_steps = { "Abra o aplicativo do seu banco", "Escolha Pix e ler QR Code",
    "Aponte a câmera e confirme" },
  pay_left = "Expira em %s", cancel = "Cancelar", back = "Voltar ao menu",
  closing = "Encerrando o pagamento…", closing_hint = "Só um instante.",
  paid = "Pago!", paid_hint = "Obrigado. Já vamos preparar.",
  brewing = "Preparando seu %s", brewing_hint = "Cuidado, é quente.",
  ready = "Pronto!", ready_hint = "Retire sua bebida. Bom proveito!",
  expired = "O tempo acabou", expired_hint = "Nada foi cobrado. Escolha de novo quando quiser.",
  cancelled = "Cancelado", cancelled_hint = "Nada foi cobrado.",
  refunding = "A máquina falhou", refunding_hint = "Estamos devolvendo %s.",
  refunded = "Valor devolvido", refunded_hint = "A máquina falhou e %s já voltaram para sua conta.",
  stuck = "Precisamos ajudar você",
  stuck_hint = "Não conseguimos devolver %s. Fale com o balcão e informe o código %s.",
  problem = "Não deu para gerar o código", problem_hint = "Nada foi cobrado. Tente de novo.",
}

M.en = {
  other = "Português",
  idle_title = "Good coffee!", idle_hint = "Touch the screen to start",
  menu_title = "What will it be?", menu_hint = "Pay with Pix, in seconds",
  espresso = "Espresso", coffee = "Filter coffee", latte = "Latte",
  cappuccino = "Cappuccino", chocolate = "Hot chocolate", tea = "Mate tea",
  creating = "Making the code…", creating_hint = "Just a moment.",
  pay_title = "Pay with Pix",
  pay_steps = { "Open your bank's app", "Choose Pix, scan a QR code", "Point the camera, confirm" },
  pay_left = "Expires in %s", cancel = "Cancel", back = "Back to the menu",
  closing = "Closing the payment…", closing_hint = "Just a moment.",
  paid = "Paid!", paid_hint = "Thank you. We are on it.",
  brewing = "Making your %s", brewing_hint = "Careful, it is hot.",
  ready = "Ready!", ready_hint = "Take your drink. Enjoy!",
  expired = "Time is up", expired_hint = "Nothing was charged. Choose again whenever you like.",
  cancelled = "Cancelled", cancelled_hint = "Nothing was charged.",
  refunding = "The machine failed", refunding_hint = "We are paying back %s.",
  refunded = "Paid back", refunded_hint = "The machine failed, and %s are back in your account.",
  stuck = "We need to help you",
  stuck_hint = "We could not pay back %s. Please ask at the counter and give the code %s.",
  problem = "No code could be made", problem_hint = "Nothing was charged. Please try again.",
}

return M
