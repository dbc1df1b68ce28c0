/* For clang-tidy only (make tidy): it reads one file at a time and cannot see that these return the
** kind that they were given, so that after a failure it would go on as if all were well. */
#include <stdio.h>

#include "../src/core/err.h"

#define pix_err_set(err, what, name, ...)                                                          \
  ({                                                                                               \
    struct pix_err *tidy_err = (err);                                                              \
    const char *tidy_name = (name);                                                                \
    if (tidy_name == NULL) snprintf(NULL, 0, __VA_ARGS__);                                         \
    if (tidy_err != NULL) tidy_err->kind = (what);                                                 \
    (int)(what);                                                                                   \
  })

#define pix_err_hint(err, ...) (snprintf(NULL, 0, __VA_ARGS__), (int)(err)->kind)
