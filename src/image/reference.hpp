// Names of images. A reference is [registry/]repository[:tag][@digest]; what people leave out is filled in as Docker
// does: "postgres:15" is docker.io/library/postgres:15. Printing has two forms: full, and familiar (what is left out
// again). Once there is a Digest or a Reference, nobody needs to check its characters again.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::image {

// "sha256:" and 64 lower-case hexadecimal digits. No other algorithm is in use by registries.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view content);                                 // hashes it
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
  std::string tag;         // "" if only a digest was given; parse() fills in "latest" when neither was
  std::optional<Digest> digest;

  // The text of an `image:` attribute or a FROM. Code::invalid with Docker's words: "invalid reference format".
  static Result<Reference> parse(std::string_view text);

  std::string name() const;           // "docker.io/library/postgres"
  std::string familiar_name() const;  // "postgres"
  std::string full() const;           // "docker.io/library/postgres:15@sha256:..."
  std::string familiar() const;       // "postgres:15"

  // What a manifest is asked for by: the digest if there is one, else the tag.
  std::string selector() const { return digest ? digest->text() : tag; }

  friend bool operator==(const Reference&, const Reference&) = default;
};

// "docker.io/library/postgres" -> "postgres".
std::string familiar_name(std::string_view full_name);

}  // namespace consort::image
