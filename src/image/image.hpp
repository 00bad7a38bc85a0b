// Value types that describe images, layers and the result of their removal. image/store.hpp explains the terms.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "image/config.hpp"
#include "image/platform.hpp"
#include "image/reference.hpp"

namespace consort::image {

struct Image {
  std::string id;                        // "sha256:..." of the configuration
  std::vector<std::string> names;        // full: "docker.io/library/postgres:15"; Reference::parse reads them
  std::vector<std::string> other_names;  // names with another image of their own and this one for its platform
  std::vector<std::string> digests;      // full: "docker.io/library/postgres@sha256:..."
  std::uint64_t size = 0;                // bytes of all layers, unpacked
  SystemTime created{};
  SystemTime last_tagged{};  // when it last got a name; for pull_policy daily, weekly, every_X
  Platform platform;

  std::string short_id() const { return id.substr(7, 12); }
  bool is_named() const { return !names.empty() || !other_names.empty(); }
  // "postgres:15", or "postgres:15 (linux/arm64)" if it is not the name's own image, or the short ID without a name.
  std::string display_name() const;
};

// What happens to images that already have the name.
enum class Naming : std::uint8_t {
  alone,   // they lose it
  beside,  // those for other platforms keep it
};

struct LayerInfo {
  std::string id;                 // also the directory's name
  std::string directory;          // absolute path of the overlay lower directory (".../diff")
  std::optional<Digest> diff_id;  // known once computed; see Store::diff_id
  std::optional<Digest> blob;     // the compressed form, if the store has it (pulled layers)
  std::uint64_t size = 0;         // bytes of regular files, unpacked
};

struct RemoveReport {
  std::vector<std::string> untagged;  // familiar names, in the order removed
  std::vector<std::string> deleted;   // "sha256:..." IDs of removed images
  std::uint64_t reclaimed = 0;        // bytes
};

// Returns what uses an image, as text ("container lms-db-1 (running)"); empty: nothing. Called before an image is
// removed, with the owners of the image's holds; without such a function, the owners themselves are shown.
using ImageUsers = std::function<std::vector<std::string>(const Image&, const std::vector<std::string>& owners)>;

struct PruneItem {
  enum class Kind : std::uint8_t { image, layer, blob, leftover };
  Kind kind = Kind::image;
  std::string id;
  std::string name;                    // images: display name
  std::uint64_t size = 0;              // bytes freed by its removal
  std::vector<std::string> needed_by;  // not empty: it is kept
};

struct PruneOptions {
  enum class Images : std::uint8_t { none, untagged, unused };
  Images images = Images::untagged;  // `untagged`: neither named nor used; `unused`: named ones too
  enum class Mode : std::uint8_t { plan, act };
  Mode mode = Mode::plan;
};

struct PruneReport {
  std::vector<PruneItem> items;  // everything removed or, because of needed_by, kept
  std::uint64_t reclaimed = 0;   // in plan mode: bytes that would be freed
  bool others_active = false;    // another command is working, so orphaned files were kept
};

}  // namespace consort::image
