/*
** answer.c - fuzz target: the lines and bytes of an answer as libcurl hands them over, to what
** keeps them. Input: how the body is cut (a byte, in steps of 64); then lines, each
** with its end as it came; what follows an empty line is the body.
*/
#include "fuzz.h"

#include "core/date.h"
#include "core/http_impl.h"
#include "core/shards.h"

#define MAX_BODY 4096
#define NOW      1750000000

static struct pix_http_client *new_client(void) {
  static const struct pix_http_settings settings = {.base_url = "http://127.0.0.1:9",
                                                    .timeout = 5,
                                                    .connect_timeout = 5,
                                                    .max_response = MAX_BODY,
                                                    .max_connections = 1};
  struct pix_http_client *client = NULL;

  FUZZ_CHECK(pix_http_client_new(&settings, &client, NULL) == PIX_OK);
  return client;
}

/* What is kept of a header is text, and a Retry-After says 0 to 60 seconds or nothing. */
static void check_kept(const struct pix_carrier *carrier) {
  const struct pix_exchange *exchange = carrier->exchange;
  double seconds = pix_date_retry_after(exchange->retry_after, strlen(exchange->retry_after), NOW);

  fuzz_check_text(exchange->content_type, sizeof exchange->content_type);
  fuzz_check_text(exchange->retry_after, sizeof exchange->retry_after);
  FUZZ_CHECK(exchange->retry_after[0] != ' ' && exchange->content_type[0] != ' ');
  FUZZ_CHECK(seconds == -1 || (seconds >= 0 && seconds <= 60));
}

/* One line; false when no more are wanted. */
static bool take_line(struct pix_carrier *carrier, const char *line, size_t len) {
  char *copy = malloc(len > 0 ? len : 1); /* of exactly its size */
  size_t before = carrier->head_size, taken;

  FUZZ_CHECK(copy != NULL);
  if (len > 0) memcpy(copy, line, len);
  taken = pix_carrier_head(copy, 1, len, carrier);
  free(copy);
  FUZZ_CHECK(carrier->head_size == before + len);
  if (carrier->head_size > PIX_MAX_REPLY_HEAD) {
    FUZZ_CHECK(taken == 0 && carrier->stop == PIX_STOP_HEAD);
    return false;
  }
  FUZZ_CHECK(taken == len);
  check_kept(carrier);
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    FUZZ_CHECK(!carrier->head_done && carrier->exchange->retry_after[0] == '\0');
  }
  return true;
}

/* The body in pieces: all of it is kept, or none of the piece that is too much. */
static void take_body(struct pix_carrier *carrier, struct fuzz_input *input, size_t piece) {
  const struct pix_buf *reply = &carrier->exchange->reply;

  while (input->size > 0) {
    size_t len = input->size < piece ? input->size : piece, before = reply->len;
    size_t taken = pix_carrier_body((char *)input->data, 1, len, carrier);
    FUZZ_CHECK(reply->len <= MAX_BODY);
    if (taken != len) {
      FUZZ_CHECK(taken == 0 && carrier->stop == PIX_STOP_BODY && before + len > MAX_BODY);
      return;
    }
    FUZZ_CHECK(reply->len == before + len);
    FUZZ_CHECK(memcmp(reply->data + before, input->data, len) == 0);
    input->data += len;
    input->size -= len;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct pix_http_client *client;
  static CURL *easy;
  static struct pix_shard shard = {.epoll = -1};
  struct fuzz_input input = {data, size};
  struct pix_carrier carrier;
  size_t piece = 1 + 64 * fuzz_byte(&input), len;
  bool more = true;

  if (client == NULL) client = new_client();
  if (easy == NULL) easy = curl_easy_init();
  memset(&carrier, 0, sizeof carrier);
  carrier.exchange = pix_exchange_new(client);
  carrier.transfer.easy = easy;
  carrier.transfer.shard = &shard;
  FUZZ_CHECK(carrier.exchange != NULL && easy != NULL);
  /* After a 1xx a whole header comes again. */
  while (more && input.size > 0 &&
         (!carrier.head_done || (input.size >= 5 && memcmp(input.data, "HTTP/", 5) == 0))) {
    const char *line = fuzz_line(&input, &len);
    bool ended = (const uint8_t *)line + len < data + size;
    more = take_line(&carrier, line, len + ended);
  }
  if (more) take_body(&carrier, &input, piece);
  carrier.exchange->op.verbs->free(&carrier.exchange->op);
  return 0;
}
