/*
** journal_backend.h - the one name that a back end's file gives to the module it is linked into.
*/
#ifndef PIX_JOURNAL_BACKEND_H
#define PIX_JOURNAL_BACKEND_H

#include "journal.h"

extern const struct pix_journal_backend pix_journal_backend;

#endif
