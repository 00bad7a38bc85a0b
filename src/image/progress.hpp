// What a transfer reports while it runs. Rendering is the business of cli/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace consort::image {

enum class Phase : std::uint8_t {
  resolving,    // of the whole: asking the registry
  waiting,      // layer: not begun ("Waiting", "Pulling fs layer")
  exists,       // layer: is here or there already ("Already exists", "Layer already exists")
  downloading,  // layer: current/total are compressed bytes
  retrying,     // layer: broken off, will go on; text says why and when
  extracting,   // layer: current/total are uncompressed bytes (total 0 if unknown)
  done,         // layer: "Pull complete", "Pushed"
  preparing,    // push: compressing
  uploading,    // push: current/total are compressed bytes
  mounted,      // push: taken from another repository of the registry
  finished,     // of the whole: text is the digest
};

struct ProgressEvent {
  std::string id;  // first 12 hex digits of the layer's digest; "" for the whole
  Phase phase = Phase::resolving;
  std::uint64_t current = 0;
  std::uint64_t total = 0;
  std::string text;
};

// Called from several threads, one at a time. Byte counts come at most every 50 ms and layer. May be empty.
using Progress = std::function<void(const ProgressEvent&)>;

}  // namespace consort::image
