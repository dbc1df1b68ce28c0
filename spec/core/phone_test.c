/*
** phone_test.c - Brazilian telephone numbers.
*/
#include "../../src/core/phone.h"
#include "../support/check.h"

static const char *parse_bytes(const char *text, size_t len) {
  static char out[PIX_PHONE_SIZE];
  struct pix_err err;

  pix_err_init(&err);
  if (pix_phone_parse(text, len, out, &err) == PIX_OK) return out;
  CHECK_INT(PIX_EINVALID, err.kind);
  CHECK_STR("phone", err.field);
  CHECK(strstr(err.message, "9876") == NULL);
  return "refused";
}

static const char *parse(const char *text) {
  return parse_bytes(text, strlen(text));
}

static void documents(void) {
  CHECK_STR("+5511987654321", parse("5511987654321"));
  CHECK_STR("+5511971408114", parse("11971408114"));
  CHECK_STR("+5511987654321", parse("+5511987654321"));
}

static void shapes(void) {
  CHECK_STR("+5511987654321", parse("+55 (11) 98765-4321"));
  CHECK_STR("+5511987654321", parse("(11) 98765.4321"));
  CHECK_STR("+5511987654321", parse("011 98765-4321"));
  CHECK_STR("+5511987654321", parse("+55 (011) 98765-4321"));
  CHECK_STR("+5511987654321", parse("(+55) 11 98765 4321"));
  CHECK_STR("+551133334444", parse("1133334444"));
  CHECK_STR("+551133334444", parse("01133334444"));
  CHECK_STR("+551133334444", parse("551133334444"));
  CHECK_STR("+551133334444", parse("5501133334444"));
  CHECK_STR("+551153334444", parse("1153334444"));
}

/* 55 is the country and an area. */
static void area_55(void) {
  CHECK_STR("+5555987654321", parse("55987654321"));
  CHECK_STR("+555533334444", parse("5533334444"));
  CHECK_STR("+5555987654321", parse("5555987654321"));
  CHECK_STR("+555533334444", parse("555533334444"));
  CHECK_STR("refused", parse("+5598765432"));
}

static bool exists(int area) {
  static const int areas[] = {
      11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 24, 27, 28, 31, 32, 33, 34, 35, 37, 38, 41, 42,
      43, 44, 45, 46, 47, 48, 49, 51, 53, 54, 55, 61, 62, 63, 64, 65, 66, 67, 68, 69, 71, 73, 74,
      75, 77, 79, 81, 82, 83, 84, 85, 86, 87, 88, 89, 91, 92, 93, 94, 95, 96, 97, 98, 99,
  };
  bool found = false;

  for (size_t i = 0; i < PIX_COUNT(areas); i++) found = found || areas[i] == area;
  return found;
}

static void every_area(void) {
  char text[16], want[20];
  int accepted = 0;

  for (int area = 0; area < 100; area++) {
    snprintf(text, sizeof text, "%02d987654321", area);
    snprintf(want, sizeof want, "+55%02d987654321", area);
    CHECK_STR(exists(area) ? want : "refused", parse(text));
    accepted += strcmp(parse(text), "refused") != 0;
  }
  CHECK_INT(67, accepted);
}

static void wrong_numbers(void) {
  CHECK_STR("refused", parse("11887654321"));  /* 9 digits, not 9… */
  CHECK_STR("refused", parse("1198765432"));   /* 8 digits with 9 */
  CHECK_STR("refused", parse("1113334444"));   /* 8 digits with 1 */
  CHECK_STR("refused", parse("1163334444"));   /* 8 digits with 6 */
  CHECK_STR("refused", parse("987654321"));    /* no area */
  CHECK_STR("refused", parse("119876543"));    /* short */
  CHECK_STR("refused", parse("119876543210")); /* long */
  CHECK_STR("refused", parse("55119876543210"));
  CHECK_STR("refused", parse("551198765432100"));
  CHECK_STR("refused", parse("0011987654321"));
  CHECK_STR("refused", parse("+1 212 555 0100"));
  CHECK_STR("refused", parse("+351 912 345 678"));
  CHECK_STR("refused", parse("+11987654321"));
}

static void garbage(void) {
  CHECK_STR("refused", parse(""));
  CHECK_STR("refused", parse("+"));
  CHECK_STR("refused", parse("++5511987654321"));
  CHECK_STR("refused", parse("55+11987654321"));
  CHECK_STR("refused", parse("11987654321x"));
  CHECK_STR("refused", parse("11 98765\n4321"));
  CHECK_STR("refused", parse("11 98765/4321"));
  CHECK_STR("refused", parse_bytes("11987654321\0", 12));
  CHECK_STR("refused", parse("1198765432\xd9\xa1"));
}

static const struct check_test tests[] = {
    {"the documents' numbers are read", documents},
    {"punctuation, trunk 0, country and landlines are read", shapes},
    {"55 is told apart by length", area_55},
    {"the 67 areas exist and no other", every_area},
    {"wrong numbers are refused", wrong_numbers},
    {"garbage is refused", garbage},
};

CHECK_MAIN(tests)
