/*
** tls_cert.h - certificates made on the spot for the C tests: an authority whose certificate is
** written to a file for ca_file, and servers signed by it.
*/
#ifndef PIX_SPEC_TLS_CERT_H
#define PIX_SPEC_TLS_CERT_H

#include <stdlib.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_authority {
  EVP_PKEY *key;
  X509 *cert;
  char file[32]; /* PEM */
};

static inline void tls_extend(X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509_EXTENSION *extension;

  X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (extension == NULL) abort();
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

static inline X509 *tls_cert(EVP_PKEY *key, const char *name, long serial) {
  X509 *cert = X509_new();
  X509_NAME *subject = X509_get_subject_name(cert);

  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
  X509_set_pubkey(cert, key);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
  return cert;
}

static inline void tls_authority_init(struct tls_authority *ca, const char *name) {
  FILE *out;
  int fd;

  ca->key = EVP_EC_gen("P-256");
  ca->cert = tls_cert(ca->key, name, 1);
  X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
  tls_extend(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(ca->cert, ca->key, EVP_sha256());
  snprintf(ca->file, sizeof ca->file, "/tmp/pixca-XXXXXX");
  fd = mkstemp(ca->file);
  out = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (out == NULL || PEM_write_X509(out, ca->cert) != 1 || fclose(out) != 0) abort();
}

static inline void tls_authority_fini(struct tls_authority *ca) {
  unlink(ca->file);
  X509_free(ca->cert);
  EVP_PKEY_free(ca->key);
}

/* A server for `names`, e.g. "IP:127.0.0.1". Freed by the caller with SSL_CTX_free. */
static inline SSL_CTX *tls_server(struct tls_authority *ca, const char *names) {
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *cert = tls_cert(key, "server", 2);

  X509_set_issuer_name(cert, X509_get_subject_name(ca->cert));
  tls_extend(cert, ca->cert, NID_subject_alt_name, names);
  X509_sign(cert, ca->key, EVP_sha256());
  if (SSL_CTX_use_certificate(context, cert) != 1 || SSL_CTX_use_PrivateKey(context, key) != 1)
    abort();
  X509_free(cert);
  EVP_PKEY_free(key);
  return context;
}

#endif
