/*
** brcode.c - the BR Code; see brcode.h.
** DESIGN: a level of TLV is split into an array by tag before anything is interpreted, so that
** duplicates are seen and no order but "00 first, 63 last" is presumed. Members that are plain
** text are rows of `fields`, which reading and writing share. Only whole, checked UTF-8 comes to
** the splitter, and no value can reach past the level that holds it.
** A length counts characters in EMV (and in every reader that takes substrings), bytes in some
** writers: reading tries characters and then bytes for the whole code; writing counts characters.
*/
#include "brcode.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "money.h"
#include "text.h"

#define GUI      "br.gov.bcb.pix"
#define CURRENCY "986" /* ISO 4217, BRL */
#define COUNTRY  "BR"
#define CRC_TAG  "6304"
#define CRC_LEN  8 /* "6304" and four hex digits */

#define FIRST_ACCOUNT 26
#define LAST_ACCOUNT  51
#define MAX_VALUE     99 /* two digits of length */

/* What a byte that leaves at the top brings back: x^16 = x^12 + x^5 + 1, at those three places,
** after its own upper half did so within the byte. */
#define FOLD(t)   ((unsigned)(t) ^ (unsigned)(t) >> 4)
#define BACK(t)   (uint16_t)(FOLD(t) << 12 ^ FOLD(t) << 5 ^ FOLD(t))
#define BACK4(t)  BACK(t), BACK((t) + 1), BACK((t) + 2), BACK((t) + 3)
#define BACK16(t) BACK4(t), BACK4((t) + 4), BACK4((t) + 8), BACK4((t) + 12)
#define BACK64(t) BACK16(t), BACK16((t) + 16), BACK16((t) + 32), BACK16((t) + 48)

uint16_t pix_brcode_crc(const void *data, size_t len) {
  static const uint16_t back[256] = {BACK64(0), BACK64(64), BACK64(128), BACK64(192)};
  const unsigned char *bytes = data;
  unsigned crc = 0xffff;

  for (size_t i = 0; i < len; i++) crc = (crc << 8 & 0xff00) ^ back[crc >> 8 ^ bytes[i]];
  return (uint16_t)crc;
}

static bool fits_text(const char *text, size_t len) {
  return pix_text_check(text, len, PIX_MAX_BRCODE, "", NULL) == PIX_OK;
}

static bool fits_visible(const char *text, size_t len) {
  return pix_text_plain(text, len) == len && memchr(text, ' ', len) == NULL;
}

/* No scheme: the payer's bank puts https:// before it. */
static bool fits_url(const char *text, size_t len) {
  return fits_visible(text, len) && memmem(text, len, "://", 3) == NULL;
}

static bool fits_mcc(const char *text, size_t len) {
  if (len != 4) return false;
  for (size_t i = 0; i < len; i++) {
    if (!pix_text_is_digit(text[i])) return false;
  }
  return true;
}

static bool fits_initiation(const char *text, size_t len) {
  return pix_text_is(text, len, "11") || pix_text_is(text, len, "12");
}

struct field {
  const char *tag;
  const char *name; /* the member, as callers spell it */
  size_t offset;
  size_t size;
  size_t max; /* characters */
  bool (*fits)(const char *text, size_t len);
};

enum { INITIATION, KEY, INFO, URL, MCC, NAME, CITY, POSTAL_CODE, TXID, RECURRENCE };

#define FIELD(tag, member, max, fits)                                                              \
  {                                                                                                \
    tag, #member, offsetof(struct pix_brcode, member), sizeof((struct pix_brcode *)0)->member,     \
        max, fits                                                                                  \
  }

static const struct field fields[] = {
    [INITIATION] = FIELD("01", initiation, 2, fits_initiation),
    [KEY] = FIELD("26.01", key, 77, fits_visible),
    [INFO] = FIELD("26.02", info, 77, fits_text),
    [URL] = FIELD("26.25", url, 77, fits_url),
    [MCC] = FIELD("52", mcc, 4, fits_mcc),
    [NAME] = FIELD("59", name, 25, fits_text),
    [CITY] = FIELD("60", city, 15, fits_text),
    [POSTAL_CODE] = FIELD("61", postal_code, 10, fits_visible),
    [TXID] = FIELD("62.05", txid, 25, fits_visible),
    [RECURRENCE] = FIELD("80.25", recurrence, 77, fits_url),
};

static const char *member(const struct pix_brcode *code, int id) {
  return (const char *)code + fields[id].offset;
}

/* NULL if `text` may stand in the field, else what is wrong with it. */
static const char *fault(const struct field *field, const char *text, size_t len) {
  if (pix_text_utf8_count(text, len) > field->max || len >= field->size) return "is too long";
  return field->fits(text, len) ? NULL : "is malformed";
}

/* Reading */

#define bad_code(err, ...) pix_err_set((err), PIX_EINVALID, "code", __VA_ARGS__)

struct item {
  uint16_t at; /* in the level's text, behind its tag and length; 0 = absent */
  uint16_t len;
};

struct level {
  const char *text;
  char path[8];          /* "" at the top, "26." within a template */
  bool bytes;            /* lengths count bytes */
  bool plain;            /* every character is one byte: the two ways to count agree */
  struct item item[100]; /* by tag; small, because each decoding clears and fills it anew */
};

_Static_assert(PIX_MAX_BRCODE <= UINT16_MAX, "an item's place fits");

static bool has(const struct level *level, int tag) {
  return level->item[tag].at > 0;
}

static const char *text_of(const struct level *level, int tag) {
  return level->text + level->item[tag].at;
}

static int two_digits(const char *text) {
  if (!pix_text_is_digit(text[0]) || !pix_text_is_digit(text[1])) return -1;
  return (text[0] - '0') * 10 + (text[1] - '0');
}

/* How many bytes a value of `units` takes; false if the text ends first or inside a character. */
static bool measure(const struct level *level, const char *text, size_t len, int units,
                    size_t *value) {
  int counted = 0;
  size_t at = 0;

  *value = (size_t)units;
  if (level->plain) return *value <= len;
  while (counted < units) {
    size_t step = pix_text_utf8_step(text + at, len - at);
    if (step == 0) return false;
    counted += level->bytes ? (int)step : 1;
    at += step;
  }
  *value = at;
  return counted == units;
}

static int split(const char *text, size_t len, struct level *level, struct pix_err *err) {
  int last = 0;

  level->text = text;
  memset(level->item, 0, sizeof level->item);
  for (size_t at = 0; at < len;) {
    int tag = len - at >= 4 ? two_digits(text + at) : -1;
    int units = len - at >= 4 ? two_digits(text + at + 2) : -1;
    size_t value;
    if (tag < 0 || units < 0) {
      return bad_code(err, "tag %s%02d is not followed by a tag and its length", level->path, last);
    }
    at += 4;
    if (!measure(level, text + at, len - at, units, &value)) {
      return bad_code(err, "tag %s%02d is longer than what is left of the code", level->path, tag);
    }
    if (has(level, tag)) return bad_code(err, "tag %s%02d stands twice", level->path, tag);
    level->item[tag] = (struct item){(uint16_t)at, (uint16_t)value};
    at += value;
    last = tag;
  }
  return PIX_OK;
}

/* Opens a template; *is_pix says whether its 00 is the Pix identifier. */
static int split_template(const struct level *top, int tag, struct level *level, bool *is_pix,
                          struct pix_err *err) {
  char path[] = {(char)('0' + tag / 10 % 10), (char)('0' + tag % 10), '.', '\0'};
  int rc;

  memcpy(level->path, path, sizeof path);
  level->bytes = top->bytes;
  level->plain = top->plain;
  rc = split(text_of(top, tag), top->item[tag].len, level, err);
  *is_pix =
      rc == PIX_OK && has(level, 0) && pix_text_is(text_of(level, 0), level->item[0].len, GUI);
  return rc;
}

/* Copies an item into the code's member; an absent or empty one leaves "". */
static int take(const struct level *level, int tag, int id, struct pix_brcode *code,
                struct pix_err *err) {
  const struct field *field = &fields[id];
  size_t len = level->item[tag].len;
  char *to = (char *)code + field->offset;
  const char *wrong;

  if (len == 0) return PIX_OK;
  wrong = fault(field, text_of(level, tag), len);
  if (wrong != NULL) return bad_code(err, "tag %s (%s) %s", field->tag, field->name, wrong);
  memcpy(to, text_of(level, tag), len);
  to[len] = '\0';
  return PIX_OK;
}

/* As EMV writes amounts: digits, and perhaps a point with one or two decimals. */
static int take_amount(const char *text, size_t len, int64_t *amount, struct pix_err *err) {
  const char *point = len > 0 ? memchr(text, '.', len) : NULL;
  size_t whole = point != NULL ? (size_t)(point - text) : len;
  size_t decimals = point != NULL ? len - whole - 1 : 0;
  int64_t value = 0;

  *amount = -1;
  if (len == 0) return PIX_OK;
  if (len > 13 || whole == 0 || decimals > 2 || (point != NULL && decimals == 0)) {
    return bad_code(err, "tag 54 (amount) is malformed");
  }
  for (size_t i = 0; i < len; i++) {
    if (i == whole) continue;
    if (!pix_text_is_digit(text[i])) return bad_code(err, "tag 54 (amount) is malformed");
    value = value * 10 + (text[i] - '0');
  }
  for (size_t i = decimals; i < 2; i++) value *= 10;
  if (value > PIX_MAX_MONEY) return bad_code(err, "tag 54 (amount) is too large");
  *amount = value;
  return PIX_OK;
}

static int take_account(const struct level *account, struct pix_brcode *code, struct pix_err *err) {
  int rc = take(account, 1, KEY, code, err);

  if (rc == PIX_OK) rc = take(account, 2, INFO, code, err);
  if (rc == PIX_OK) rc = take(account, 25, URL, code, err);
  if (rc == PIX_OK && code->key[0] != '\0' && code->url[0] != '\0') {
    return bad_code(err, "tag %s01 (key) and %s25 (url) stand both", account->path, account->path);
  }
  return rc;
}

/* Other schemes may have accounts beside the one of Pix. */
static int take_accounts(const struct level *top, struct pix_brcode *code, struct pix_err *err) {
  struct level account;
  bool is_pix;
  int found = 0, rc;

  for (int tag = FIRST_ACCOUNT; tag <= LAST_ACCOUNT; tag++) {
    if (!has(top, tag)) continue;
    rc = split_template(top, tag, &account, &is_pix, err);
    if (rc != PIX_OK) return rc;
    if (!is_pix) continue;
    if (++found > 1) return bad_code(err, "tag %02d is a second account of " GUI, tag);
    rc = take_account(&account, code, err);
    if (rc != PIX_OK) return rc;
  }
  if (found > 0) return PIX_OK;
  return bad_code(err, "tag 26 (merchant account of " GUI ") is missing");
}

/* 62 belongs to everybody; 80 to whom its 00 names. */
static int take_templates(const struct level *top, struct pix_brcode *code, struct pix_err *err) {
  struct level level;
  bool is_pix;
  int rc = PIX_OK;

  if (has(top, 62)) {
    rc = split_template(top, 62, &level, &is_pix, err);
    if (rc == PIX_OK) rc = take(&level, 5, TXID, code, err);
  }
  if (rc == PIX_OK && has(top, 80)) {
    rc = split_template(top, 80, &level, &is_pix, err);
    if (rc == PIX_OK && is_pix) rc = take(&level, 25, RECURRENCE, code, err);
  }
  return rc;
}

static bool item_is(const struct level *level, int tag, const char *value) {
  size_t len = level->item[tag].len;
  return has(level, tag) && len == strlen(value) && memcmp(text_of(level, tag), value, len) == 0;
}

/* What a code must have. A recurrence alone (Pix Automático) has neither key nor URL in 26. */
static int check_complete(const struct level *top, const struct pix_brcode *code,
                          struct pix_err *err) {
  static const int required[] = {MCC, NAME, CITY};

  if (!item_is(top, 53, CURRENCY)) return bad_code(err, "tag 53 (currency) is not 986");
  if (!item_is(top, 58, COUNTRY)) return bad_code(err, "tag 58 (country) is not BR");
  for (size_t i = 0; i < PIX_COUNT(required); i++) {
    const struct field *field = &fields[required[i]];
    if (member(code, required[i])[0] != '\0') continue;
    return bad_code(err, "tag %s (%s) is missing", field->tag, field->name);
  }
  if (code->key[0] != '\0' || code->url[0] != '\0' || code->recurrence[0] != '\0') return PIX_OK;
  return bad_code(err, "tag 26.01 (key) and 26.25 (url) are both missing");
}

/* Reads all but the CRC, with one of the two ways to count. */
static int read_body(const char *text, size_t len, bool bytes, bool plain, struct pix_brcode *code,
                     struct pix_err *err) {
  static const struct {
    int tag, id;
  } rows[] = {{1, INITIATION}, {52, MCC}, {59, NAME}, {60, CITY}, {61, POSTAL_CODE}};
  struct level top;
  int rc;

  top.path[0] = '\0';
  top.bytes = bytes;
  top.plain = plain;
  rc = split(text, len, &top, err);
  for (size_t i = 0; i < PIX_COUNT(fields); i++) *((char *)code + fields[i].offset) = '\0';
  for (size_t i = 0; rc == PIX_OK && i < PIX_COUNT(rows); i++) {
    rc = take(&top, rows[i].tag, rows[i].id, code, err);
  }
  if (rc == PIX_OK) rc = take_amount(text_of(&top, 54), top.item[54].len, &code->amount, err);
  if (rc == PIX_OK) rc = take_accounts(&top, code, err);
  if (rc == PIX_OK) rc = take_templates(&top, code, err);
  if (rc == PIX_OK) rc = check_complete(&top, code, err);
  code->dynamic = strcmp(code->initiation, "12") == 0 || code->url[0] != '\0';
  return rc;
}

/* Text, beginning, end and CRC, before any length is believed. */
static int check_frame(const char *text, size_t len, uint16_t *crc, struct pix_err *err) {
  unsigned written = 0;
  int rc = pix_text_check(text, len, PIX_MAX_BRCODE, "code", err);

  if (rc != PIX_OK) return rc;
  if (!pix_brcode_test(text, len)) {
    return bad_code(err, "tag 00 (format) is not the first one, or not 01: this is no BR Code");
  }
  if (len <= CRC_LEN || memcmp(text + len - CRC_LEN, CRC_TAG, 4) != 0) {
    return bad_code(err, "tag 63 (CRC) does not end the code: it is cut off or continued");
  }
  for (size_t i = len - 4; i < len; i++) {
    int value = pix_text_hex(text[i]);
    if (value < 0) return bad_code(err, "tag 63 (CRC) is not four hexadecimal digits");
    written = written << 4 | (unsigned)value;
  }
  *crc = pix_brcode_crc(text, len - 4);
  if (written == *crc) return PIX_OK;
  return bad_code(err, "tag 63 (CRC) is %04X where the text gives %04X: the code was altered",
                  written, (unsigned)*crc);
}

int pix_brcode_decode(const char *text, size_t len, struct pix_brcode *code, struct pix_err *err) {
  struct pix_brcode found;
  size_t body;
  bool plain;
  int rc = check_frame(text, len, &found.crc, err);

  if (rc != PIX_OK) return rc;
  body = len - CRC_LEN;
  plain = pix_text_utf8_count(text, body) == body;
  rc = read_body(text, body, false, plain, &found, err);
  if (rc != PIX_OK && !plain && read_body(text, body, true, plain, &found, NULL) == PIX_OK) {
    if (err != NULL) pix_err_init(err);
    rc = PIX_OK;
  }
  if (rc == PIX_OK) *code = found;
  return rc;
}

bool pix_brcode_test(const char *text, size_t len) {
  return len >= 6 && memcmp(text, "000201", 6) == 0;
}

/* Writing */

static void put(struct pix_buf *buf, int tag, const char *text) {
  pix_buf_addf(buf, "%02d%02zu%s", tag, pix_text_utf8_count(text, strlen(text)), text);
}

static void put_if(struct pix_buf *buf, int tag, const char *text) {
  if (text[0] != '\0') put(buf, tag, text);
}

/* A template must fit into two digits of length, whatever its members' own limits. */
static int put_template(struct pix_buf *buf, int tag, struct pix_buf *template, const char *name,
                        struct pix_err *err) {
  size_t count = pix_text_utf8_count(pix_buf_text(template), template->len);
  bool failed = template->failed;

  if (!failed && count <= MAX_VALUE) put(buf, tag, pix_buf_text(template));
  pix_buf_fini(template);
  if (failed) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  if (count <= MAX_VALUE) return PIX_OK;
  return pix_err_set(err, PIX_EINVALID, name, "%s is too long beside the rest of tag %02d", name,
                     tag);
}

static int put_account(struct pix_buf *buf, const struct pix_brcode *code, struct pix_err *err) {
  struct pix_buf template;

  pix_buf_init(&template, PIX_MAX_REQUEST);
  put(&template, 0, GUI);
  put_if(&template, 1, code->key);
  put_if(&template, 2, code->info);
  put_if(&template, 25, code->url);
  return put_template(buf, FIRST_ACCOUNT, &template, code->info[0] != '\0' ? "info" : "url", err);
}

static int put_txid(struct pix_buf *buf, const struct pix_brcode *code, struct pix_err *err) {
  struct pix_buf template;

  pix_buf_init(&template, PIX_MAX_REQUEST);
  put(&template, 5, code->txid[0] != '\0' ? code->txid : "***");
  return put_template(buf, 62, &template, "txid", err);
}

static int put_recurrence(struct pix_buf *buf, const struct pix_brcode *code, struct pix_err *err) {
  struct pix_buf template;

  if (code->recurrence[0] == '\0') return PIX_OK;
  pix_buf_init(&template, PIX_MAX_REQUEST);
  put(&template, 0, GUI);
  put(&template, 25, code->recurrence);
  return put_template(buf, 80, &template, "recurrence", err);
}

static void put_amount(struct pix_buf *buf, int64_t amount) {
  char text[PIX_MONEY_SIZE];

  if (amount < 0) return;
  pix_money_decimal(amount, text);
  put(buf, 54, text);
}

static int missing(const char *name, struct pix_err *err) {
  return pix_err_set(err, PIX_EINVALID, name, "%s is missing", name);
}

/* Stricter than reading: Banco Central allows letters and digits only. */
static bool fits_txid(const char *txid) {
  if (strcmp(txid, "***") == 0) return true;
  for (; *txid != '\0'; txid++) {
    char upper = pix_text_upper(*txid);
    if (!pix_text_is_digit(upper) && (upper < 'A' || upper > 'Z')) return false;
  }
  return true;
}

static int check_members(const struct pix_brcode *code, struct pix_err *err) {
  for (size_t i = 0; i < PIX_COUNT(fields); i++) {
    const char *text = member(code, (int)i);
    size_t len = strnlen(text, fields[i].size);
    const char *wrong = len > 0 ? fault(&fields[i], text, len) : NULL;
    if (wrong == NULL) continue;
    return pix_err_set(err, PIX_EINVALID, fields[i].name, "%s %s", fields[i].name, wrong);
  }
  if (code->name[0] == '\0') return missing("name", err);
  if (code->city[0] == '\0') return missing("city", err);
  if (!fits_txid(code->txid)) {
    return pix_err_set(err, PIX_EINVALID, "txid", "txid may hold letters and digits only");
  }
  if (code->key[0] != '\0' && code->url[0] != '\0') {
    return pix_err_set(err, PIX_EINVALID, "key", "key and url exclude each other");
  }
  if (code->key[0] == '\0' && code->url[0] == '\0' && code->recurrence[0] == '\0') {
    return missing("key", err);
  }
  return code->amount == -1 ? PIX_OK : pix_money_check(code->amount, err);
}

/* A key with `dynamic` must say so in 01; a URL says it by itself. */
static const char *initiation(const struct pix_brcode *code) {
  bool unsaid = code->initiation[0] == '\0' && code->url[0] == '\0';
  return code->dynamic && unsaid ? "12" : code->initiation;
}

static int put_code(struct pix_buf *buf, const struct pix_brcode *code, struct pix_err *err) {
  int rc;

  put(buf, 0, "01");
  put_if(buf, 1, initiation(code));
  rc = put_account(buf, code, err);
  if (rc != PIX_OK) return rc;
  put(buf, 52, code->mcc[0] != '\0' ? code->mcc : "0000");
  put(buf, 53, CURRENCY);
  put_amount(buf, code->amount);
  put(buf, 58, COUNTRY);
  put(buf, 59, code->name);
  put(buf, 60, code->city);
  put_if(buf, 61, code->postal_code);
  rc = put_txid(buf, code, err);
  if (rc == PIX_OK) rc = put_recurrence(buf, code, err);
  pix_buf_adds(buf, CRC_TAG);
  return rc;
}

int pix_brcode_encode(const struct pix_brcode *code, struct pix_buf *out, struct pix_err *err) {
  struct pix_buf buf;
  int rc = check_members(code, err);

  if (rc != PIX_OK) return rc;
  pix_buf_init(&buf, PIX_MAX_BRCODE);
  rc = put_code(&buf, code, err);
  if (rc == PIX_OK) {
    pix_buf_addf(&buf, "%04X", (unsigned)pix_brcode_crc(pix_buf_text(&buf), buf.len));
    if (buf.starved) {
      rc = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
    } else if (buf.failed) {
      rc = pix_err_set(err, PIX_EINVALID, "code", "the code is longer than %d bytes",
                       PIX_MAX_BRCODE);
    } else {
      pix_buf_add(out, buf.data, buf.len);
    }
  }
  pix_buf_fini(&buf);
  if (rc == PIX_OK && out->failed) rc = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  return rc;
}
