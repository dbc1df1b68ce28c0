/*
** check.h - a test harness for the C rooms. A test is a function with a sentence; a failed check
** prints file:line and the test goes on, so that one run shows all that is wrong. The program
** ends with the line "N passed, N failed" (tests, not checks), and with 1 if any failed.
*/
#ifndef PIX_SPEC_CHECK_H
#define PIX_SPEC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct check_test {
  const char *sentence;
  void (*run)(void);
};

static bool check_ok; /* of the test that runs now */

static inline bool check_true(bool ok, const char *what, const char *file, int line) {
  if (!ok) printf("%s:%d: failed: %s\n", file, line, what);
  if (!ok) check_ok = false;
  return ok;
}

static inline bool check_int(int64_t want, int64_t got, const char *what, const char *file,
                             int line) {
  if (want == got) return true;
  printf("%s:%d: %s: expected %lld, got %lld\n", file, line, what, (long long)want, (long long)got);
  return check_ok = false;
}

static inline bool check_str(const char *want, const char *got, const char *what, const char *file,
                             int line) {
  if (got != NULL && strcmp(want, got) == 0) return true;
  printf("%s:%d: %s: expected \"%s\", got \"%s\"\n", file, line, what, want,
         got != NULL ? got : "(null)");
  return check_ok = false;
}

/* Each yields whether it held. The expected value comes first. */
#define CHECK(cond)          check_true((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(want, got) check_int((int64_t)(want), (int64_t)(got), #got, __FILE__, __LINE__)
#define CHECK_STR(want, got) check_str((want), (got), #got, __FILE__, __LINE__)

/* Runs the tests in their order; the value is main's. */
static inline int check_main(const struct check_test *tests, size_t count) {
  int failed = 0;

  for (size_t i = 0; i < count; i++) {
    check_ok = true;
    tests[i].run();
    if (!check_ok) printf("FAILED: %s\n", tests[i].sentence);
    if (!check_ok) failed++;
  }
  printf("%d passed, %d failed\n", (int)count - failed, failed);
  return failed > 0 ? 1 : 0;
}

#define CHECK_MAIN(tests)                                                                          \
  int main(void) {                                                                                 \
    return check_main((tests), sizeof(tests) / sizeof((tests)[0]));                                \
  }

#endif
