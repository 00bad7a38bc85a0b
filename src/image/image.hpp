// What is told of images, and of what their removal gives back: values. The words are explained in image/store.hpp.
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
  std::vector<std::string> other_names;  // that have another image of their own, and this one for its platform
  std::vector<std::string> digests;      // full: "docker.io/library/postgres@sha256:..."
  std::uint64_t size = 0;                // bytes of all layers, unpacked
  SystemTime created{};
  SystemTime last_tagged{};  // when a name was last given to it: pull_policy daily, weekly, every_X
  Platform platform;

  std::string short_id() const { return id.substr(7, 12); }
  bool is_named() const { return !names.empty() || !other_names.empty(); }
  // "postgres:15", "postgres:15 (linux/arm64)" of one other than the name's own, or, without a name, the short id.
  std::string display_name() const;
};

// What becomes of the images that a name has already.
enum class Naming : std::uint8_t {
  alone,   // they lose it
  beside,  // those for other platforms keep it
};

struct LayerInfo {
  std::string id;                 // names the directory
  std::string directory;          // absolute path of the overlay lower directory (".../diff")
  std::optional<Digest> diff_id;  // known once computed; see Store::diff_id
  std::optional<Digest> blob;     // the compressed form, if it is in the store (pulled layers)
  std::uint64_t size = 0;         // bytes of regular files, unpacked
};

struct RemoveReport {
  std::vector<std::string> untagged;  // familiar names, in the order removed
  std::vector<std::string> deleted;   // "sha256:..." ids of images that are gone
  std::uint64_t reclaimed = 0;        // bytes
};

// Who needs an image, in words ("container lms-db-1 (running)"); empty: nobody. Asked before an image is removed; gets
// the owners of the image's holds, which are the words if nobody is asked.
using ImageUsers = std::function<std::vector<std::string>(const Image&, const std::vector<std::string>& owners)>;

struct PruneItem {
  enum class Kind : std::uint8_t { image, layer, blob, leftover };
  Kind kind = Kind::image;
  std::string id;
  std::string name;                    // images: display name
  std::uint64_t size = 0;              // what its removal gives back
  std::vector<std::string> needed_by;  // not empty: it stays
};

struct PruneOptions {
  enum class Images : std::uint8_t { none, untagged, unused };
  Images images = Images::untagged;  // `untagged`: without a name and unused; `unused`: also those with names
  enum class Mode : std::uint8_t { plan, act };
  Mode mode = Mode::plan;
};

struct PruneReport {
  std::vector<PruneItem> items;  // everything looked at that is removed, or that would be except for needed_by
  std::uint64_t reclaimed = 0;   // in plan mode: would be
  bool others_active = false;    // another command is working: orphaned files were left alone
};

}  // namespace consort::image
