// Certificates, as in Docker and containers-certs.d(5).
#include <dirent.h>

#include <cstdlib>
#include <memory>

#include "base/os/files/dir_stream.hpp"
#include "base/os/files/file.hpp"
#include "image/http/address.hpp"
#include "image/registry/registry.hpp"

namespace consort::image {

namespace {

// Docker's certs.d/HOST/: *.crt are authorities, NAME.cert with NAME.key is the client's certificate.
Result<> read_certificates(const std::string& directory, TlsSettings& settings) {
  const DirStream stream(::opendir(directory.c_str()));
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string path = directory + "/" + entry->d_name;
    if (path.ends_with(".crt")) settings.extra_authorities += TRY(read_file(path, 1 << 20)) + "\n";
    if (!path.ends_with(".cert")) continue;
    settings.client_certificate = path;
    settings.client_key = path.substr(0, path.size() - 5) + ".key";
    if (!path_exists(settings.client_key))
      return fail(Error(Code::invalid, "read").on(path).why("its .key file is missing"));
  }
  return {};
}

}  // namespace

Result<TlsSettings> Registry::tls() {
  const std::scoped_lock lock(tls_mutex_);
  if (tls_) return *tls_;
  TlsSettings settings;
  if (location_.insecure) settings.verify = TlsSettings::Verify::no;
  for (const std::string& directory : access_.certificate_directories) {
    TRY(read_certificates(directory + "/" + location_.host, settings));
    if (!settings.extra_authorities.empty() || !settings.client_certificate.empty()) break;
  }
  if (const char* bundle = std::getenv("SSL_CERT_FILE"); bundle && *bundle)
    settings.extra_authorities += TRY(read_file(bundle, 16 << 20));
  tls_ = std::move(settings);
  return *tls_;
}

// Another host is verified with the registry's authorities, as in Docker. But permissions that the user gives for one
// host do not apply to another, and our own certificate is only for the registry.
Result<TlsSettings> Registry::tls_for(const Url& target) {
  TlsSettings settings = TRY(tls());
  if (split_host_port(target.place()).host == split_host_port(location_.host).host) return settings;
  settings.client_certificate.clear();
  settings.client_key.clear();
  if (!access_.conf.is_insecure(target.place())) settings.verify = TlsSettings::Verify::yes;
  return settings;
}

}  // namespace consort::image
