// Names of images. A reference is [registry/]repository[:tag][@digest]; omitted parts are filled in as Docker does:
// "postgres:15" is docker.io/library/postgres:15. It prints in two forms: full, and familiar (with those parts omitted
// again). A Digest or Reference is always valid, so its characters need no further check.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::image {

// "sha256:" and 64 lower-case hexadecimal digits. Registries use no other algorithm.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view content);                                 // hashes the content
  static Digest from_hex(std::string hex) { return Digest(std::move(hex)); }  // hex of Sha256::finish()

  const std::string& hex() const { return hex_; }
  std::string text() const { return "sha256:" + hex_; }
  std::string short_hex() const { return hex_.substr(0, 12); }

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

struct Reference {
  std::string registry;    // "docker.io", "localhost:5000"
  std::string repository;  // "library/postgres"
  std::string tag;         // "" if only a digest was given; parse() sets "latest" if neither was
  std::optional<Digest> digest;

  // Parses an `image:` attribute or the argument of FROM. Code::invalid with Docker's text: "invalid reference format".
  static Result<Reference> parse(std::string_view text);

  std::string name() const;           // "docker.io/library/postgres"
  std::string familiar_name() const;  // "postgres"
  std::string full() const;           // "docker.io/library/postgres:15@sha256:..."
  std::string familiar() const;       // "postgres:15"

  // The reference in a manifest request: the digest if there is one, else the tag.
  std::string selector() const { return digest ? digest->text() : tag; }

  friend bool operator==(const Reference&, const Reference&) = default;
};

// "docker.io/library/postgres" -> "postgres".
std::string familiar_name(std::string_view full_name);

}  // namespace consort::image
