/*
** preload.c - loaded beside a sanitizer's library (.ci/under).
**
** The programs that this process starts are not loaded with the sanitizer: dash does not survive
** it. And ThreadSanitizer takes a thread started after a fork for one of the parent's ("dup thread
** with used id") when it gets the same stack; larger stacks after each fork are new ones.
*/
#include <pthread.h>
#include <stdlib.h>

static void grow_stacks(void) {
  pthread_attr_t attr;
  size_t size;

  if (pthread_getattr_default_np(&attr) != 0) return;
  if (pthread_attr_getstacksize(&attr, &size) == 0) pthread_attr_setstacksize(&attr, size + 65536);
  pthread_setattr_default_np(&attr);
  pthread_attr_destroy(&attr);
}

__attribute__((constructor)) static void begin(void) {
  unsetenv("LD_PRELOAD");
  pthread_atfork(NULL, NULL, grow_stacks);
}
