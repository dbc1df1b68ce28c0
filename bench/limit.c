/*
** limit.c - what libcurl alone can do: the same requests as luapix's checkouts at SSG, without Lua,
** without JSON, without anything read from an answer but its HTTP status. `make bench` measures
** luapix by it.
**
** DESIGN. One thread, one multi handle, curl_multi_poll. A slot is one checkout at a time: create
** (POST), then status (GET), on one easy handle that is never reset; when it is over the slot
** begins the next. Connections are kept alive by the multi handle. Time and CPU run from the
** first checkout to the last; the start of the process does not count.
**
** usage: limit --url URL [--inflight N] [--checkouts N] [--http2] [--ca FILE]
*/
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CHARGE_ID   "b38f3971-d1de-43e2-8444-5ee6a64e5d5a"
#define CREATE_BODY "{\"device_code\":\"bench-device\",\"value\":19.90}"
#define HEX16       "0123456789abcdef"
#define HEX64       HEX16 HEX16 HEX16 HEX16
#define TOKEN       "bench-" HEX64 HEX64 HEX64 HEX64

struct options {
  const char *url, *ca;
  long inflight, checkouts;
  bool http2;
};

struct bench {
  struct options options;
  CURLM *multi;
  struct curl_slist *create_headers, *status_headers;
  char create_url[512], status_url[512];
  long started, finished, failed;
};

struct slot {
  CURL *easy;
  bool created;
};

static double wall_seconds(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
  struct rusage use;

  getrusage(RUSAGE_SELF, &use);
  return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static long max_rss_kib(void) {
  struct rusage use;

  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss;
}

static size_t discard(char *data, size_t size, size_t count, void *arg) {
  (void)data;
  (void)arg;
  return size * count;
}

static void ask_create(struct bench *bench, struct slot *slot) {
  slot->created = false;
  curl_easy_setopt(slot->easy, CURLOPT_URL, bench->create_url);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, bench->create_headers);
  curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, CREATE_BODY);
  curl_multi_add_handle(bench->multi, slot->easy);
}

static void ask_status(struct bench *bench, struct slot *slot) {
  slot->created = true;
  curl_easy_setopt(slot->easy, CURLOPT_URL, bench->status_url);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, bench->status_headers);
  curl_easy_setopt(slot->easy, CURLOPT_HTTPGET, 1L);
  curl_multi_add_handle(bench->multi, slot->easy);
}

static void begin(struct bench *bench, struct slot *slot) {
  if (bench->started == bench->options.checkouts) return;
  bench->started++;
  ask_create(bench, slot);
}

/* One request is over: the next of its checkout, or the next checkout. */
static void advance(struct bench *bench, struct slot *slot, CURLcode code) {
  long status = 0;

  curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(bench->multi, slot->easy);
  if (code == CURLE_OK && !slot->created && status == 201) {
    ask_status(bench, slot);
    return;
  }
  if (code != CURLE_OK || status != 200) bench->failed++;
  bench->finished++;
  begin(bench, slot);
}

static void take_finished(struct bench *bench) {
  CURLMsg *message;
  int left;

  while ((message = curl_multi_info_read(bench->multi, &left)) != NULL) {
    CURLcode code = message->data.result;
    char *slot;

    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
    advance(bench, (struct slot *)(void *)slot, code);
  }
}

static CURL *new_easy(const struct options *options, struct slot *slot) {
  CURL *easy = curl_easy_init();

  if (easy == NULL) exit(1);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 15000L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (options->http2) {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  }
  if (options->ca != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca);
  return easy;
}

static struct curl_slist *headers(const char *content_type) {
  struct curl_slist *list = NULL;

  list = curl_slist_append(list, "Authorization: Bearer " TOKEN);
  list = curl_slist_append(list, "Accept: application/json");
  list = curl_slist_append(list, "User-Agent: luapix/0.1");
  if (content_type == NULL) return list;
  list = curl_slist_append(list, content_type);
  return curl_slist_append(list, "Expect:");
}

static void prepare(struct bench *bench) {
  const char *url = bench->options.url;

  snprintf(bench->create_url, sizeof(bench->create_url), "%s/api/qrcode/new", url);
  snprintf(bench->status_url, sizeof(bench->status_url),
           "%s/api/qrcode/" CHARGE_ID "/status?device_code=bench-device", url);
  bench->create_headers = headers("Content-Type: application/json");
  bench->status_headers = headers(NULL);
  bench->multi = curl_multi_init();
  curl_multi_setopt(bench->multi, CURLMOPT_MAXCONNECTS, bench->options.inflight + 8);
  curl_multi_setopt(bench->multi, CURLMOPT_MAX_HOST_CONNECTIONS, bench->options.inflight);
}

static void run(struct bench *bench) {
  struct slot *slots = calloc((size_t)bench->options.inflight, sizeof(*slots));
  int running;

  if (slots == NULL) exit(1);
  for (long i = 0; i < bench->options.inflight; i++) {
    slots[i].easy = new_easy(&bench->options, &slots[i]);
    begin(bench, &slots[i]);
  }
  while (bench->finished < bench->started) {
    curl_multi_perform(bench->multi, &running);
    take_finished(bench);
    if (bench->finished < bench->started) curl_multi_poll(bench->multi, NULL, 0, 1000, NULL);
  }
  for (long i = 0; i < bench->options.inflight; i++) curl_easy_cleanup(slots[i].easy);
  free(slots);
}

static const char *value_of(int argc, char **argv, int *at) {
  if (++*at < argc) return argv[*at];
  fprintf(stderr, "limit: %s needs a value\n", argv[*at - 1]);
  exit(2);
}

static struct options read_options(int argc, char **argv) {
  struct options options = {.inflight = 64, .checkouts = 10000};

  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--url") == 0)
      options.url = value_of(argc, argv, &i);
    else if (strcmp(argv[i], "--ca") == 0)
      options.ca = value_of(argc, argv, &i);
    else if (strcmp(argv[i], "--http2") == 0)
      options.http2 = true;
    else if (strcmp(argv[i], "--inflight") == 0)
      options.inflight = strtol(value_of(argc, argv, &i), NULL, 10);
    else if (strcmp(argv[i], "--checkouts") == 0)
      options.checkouts = strtol(value_of(argc, argv, &i), NULL, 10);
  }
  if (options.url != NULL && options.inflight > 0 && options.checkouts > 0) return options;
  fprintf(stderr, "usage: limit --url URL [--inflight N] [--checkouts N] [--http2] [--ca FILE]\n");
  exit(2);
}

int main(int argc, char **argv) {
  struct bench bench = {.options = read_options(argc, argv)};
  double wall, cpu;

  curl_global_init(CURL_GLOBAL_DEFAULT);
  prepare(&bench);
  wall = wall_seconds();
  cpu = cpu_seconds();
  run(&bench);
  wall = wall_seconds() - wall;
  cpu = cpu_seconds() - cpu;
  printf("checkouts=%ld seconds=%.6f cpu=%.6f maxrss_kib=%ld failed=%ld\n", bench.finished, wall,
         cpu, max_rss_kib(), bench.failed);
  curl_multi_cleanup(bench.multi);
  curl_slist_free_all(bench.create_headers);
  curl_slist_free_all(bench.status_headers);
  curl_global_cleanup();
  return bench.failed > 0 ? 1 : 0;
}
