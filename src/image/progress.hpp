// What a transfer reports while it runs. Rendering is the job of cli/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace consort::image {

enum class Phase : std::uint8_t {
  resolving,    // whole transfer: asking the registry
  waiting,      // layer: not started ("Waiting", "Pulling fs layer")
  exists,       // layer: already present ("Already exists", "Layer already exists")
  downloading,  // layer: current/total are compressed bytes
  retrying,     // layer: connection lost, will be resumed; text says why and when
  extracting,   // layer: current/total are uncompressed bytes (total 0 if unknown)
  done,         // layer: "Pull complete", "Pushed"
  preparing,    // push: compressing
  uploading,    // push: current/total are compressed bytes
  mounted,      // push: mounted from another repository of the registry
  finished,     // whole transfer: text is the digest
};

struct ProgressEvent {
  std::string id;  // first 12 hex digits of the layer's digest; "" for the whole transfer
  Phase phase = Phase::resolving;
  std::uint64_t current = 0;
  std::uint64_t total = 0;
  std::string text;
};

// Called from several threads, one at a time. Byte counts are reported at most every 50 ms per layer. May be empty.
using Progress = std::function<void(const ProgressEvent&)>;

}  // namespace consort::image
