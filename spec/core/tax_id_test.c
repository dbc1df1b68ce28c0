/*
** tax_id_test.c - CPF and CNPJ.
*/
#include "../../src/core/tax_id.h"
#include "../support/check.h"

static struct pix_tax_id tax_id;

/* The kind, or 0 if refused. */
static int parse_bytes(const char *text, size_t len) {
  struct pix_err err;
  int rc;

  memset(&tax_id, 0, sizeof tax_id);
  pix_err_init(&err);
  rc = pix_tax_id_parse(text, len, &tax_id, &err);
  if (rc == PIX_OK) return tax_id.kind;
  CHECK_INT(PIX_EINVALID, rc);
  CHECK_STR("tax_id", err.field);
  CHECK(strstr(err.message, "529") == NULL);
  CHECK_STR("", tax_id.digits);
  return 0;
}

static int parse(const char *text) {
  return parse_bytes(text, strlen(text));
}

static void cpf(void) {
  CHECK_INT(PIX_CPF, parse("529.982.247-25"));
  CHECK_STR("52998224725", tax_id.digits);
  CHECK_INT(PIX_CPF, parse(" 529 982 247 25\t"));
  CHECK_STR("52998224725", tax_id.digits);
  CHECK_INT(PIX_CPF, parse("111.444.777-35"));
  CHECK_INT(PIX_CPF, parse("00000000191"));
  CHECK_INT(PIX_CPF, parse("12345671300")); /* remainder 1 at the first check digit */
  CHECK_INT(PIX_CPF, parse("12345670240")); /* and at the second */
}

static void wrong_cpf(void) {
  CHECK_INT(0, parse("529.982.247-24"));
  CHECK_INT(0, parse("529.982.247-15"));
  CHECK_INT(0, parse("529.982.247-2"));
  CHECK_INT(0, parse("529.982.247-255"));
  CHECK_INT(0, parse("A29.982.247-25"));
  CHECK_INT(PIX_CPF, parse("11146477724"));
  CHECK_INT(0, parse("1114A477724")); /* 17 and 6 leave the same remainder */
  CHECK_INT(0, parse("529,982,247-25"));
}

static void equal_digits(void) {
  char digits[12];

  for (char c = '0'; c <= '9'; c++) {
    memset(digits, c, 11);
    digits[11] = '\0';
    CHECK_INT(0, parse(digits));
  }
  CHECK_INT(0, parse("00.000.000/0000-00"));
}

static void cnpj(void) {
  CHECK_INT(PIX_CNPJ, parse("11.222.333/0001-81"));
  CHECK_STR("11222333000181", tax_id.digits);
  CHECK_INT(PIX_CNPJ, parse("11222333000181"));
  CHECK_INT(PIX_CNPJ, parse("12.ABC.345/01DE-35"));
  CHECK_STR("12ABC34501DE35", tax_id.digits);
  CHECK_INT(PIX_CNPJ, parse("12abc34501de35"));
  CHECK_STR("12ABC34501DE35", tax_id.digits);
  CHECK_INT(PIX_CNPJ, parse("AAAAAAAAAAAA45"));
  CHECK_INT(PIX_CNPJ, parse("ZZZZZZZZZZZZ62"));
}

static void wrong_cnpj(void) {
  CHECK_INT(0, parse("11222333000182"));
  CHECK_INT(0, parse("11222333000191"));
  CHECK_INT(0, parse("12ABC34501DE34"));
  CHECK_INT(0, parse("12ABC34501DEAA")); /* check digits stay digits */
  CHECK_INT(0, parse("21ABC34501DE35"));
  CHECK_INT(0, parse("1122233300018"));
  CHECK_INT(0, parse("112223330001811"));
}

static void garbage(void) {
  CHECK_INT(0, parse(""));
  CHECK_INT(0, parse("./-"));
  CHECK_INT(0, parse("52998224725\n"));
  CHECK_INT(0, parse_bytes("52998224725\0", 12));
  CHECK_INT(0, parse("5299822472\xd9\xa5"));
  CHECK_INT(0, parse("529_982_247_25"));
}

static const struct check_test tests[] = {
    {"a CPF is read", cpf},
    {"a wrong CPF is refused", wrong_cpf},
    {"equal digits are no tax id", equal_digits},
    {"a CNPJ is read, with letters too", cnpj},
    {"a wrong CNPJ is refused", wrong_cnpj},
    {"garbage is refused", garbage},
};

CHECK_MAIN(tests)
