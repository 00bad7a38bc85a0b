// The image configuration (OCI image-spec config.md, Docker's Image v1.2): the defaults for containers of the image,
// and the layers it consists of.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "image/platform.hpp"
#include "image/reference.hpp"

namespace consort::image {

struct Healthcheck {
  std::vector<std::string> test;  // {"CMD", ...}, {"CMD-SHELL", "..."}, {"NONE"}; empty inherits
  Nanoseconds interval{0};        // 0 inherits, here and below
  Nanoseconds timeout{0};
  Nanoseconds start_period{0};
  Nanoseconds start_interval{0};
  int retries = 0;

  friend bool operator==(const Healthcheck&, const Healthcheck&) = default;
};

struct HistoryEntry {
  std::string created;  // RFC 3339
  std::string created_by;
  std::string author;
  std::string comment;
  bool empty_layer = false;  // created no layer
};

struct ImageConfig {
  std::vector<std::string> env;  // "K=V"
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string user;
  std::string working_dir;
  std::string stop_signal;
  std::vector<std::string> exposed_ports;  // "80/tcp", sorted
  std::vector<std::string> volumes;        // sorted
  std::map<std::string, std::string> labels;
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string> shell;     // empty: {"/bin/sh", "-c"}
  std::vector<std::string> on_build;  // instructions to run in a Dockerfile that starts FROM this image
  bool args_escaped = false;          // Windows images only; kept when present

  Platform platform;
  std::string os_version;
  std::string author;
  std::string created;  // RFC 3339; may be empty
  std::vector<HistoryEntry> history;
  std::vector<Digest> diff_ids;  // base layer first
  // JSON stored under build_cache_key: records of the steps that made the image. parse_config does not read it, since
  // an image built on this one is made by other steps.
  std::string build_cache;
};

inline constexpr std::string_view build_cache_key = "consort.buildcache.v1";

// The input is untrusted: wrong types are errors (Code::invalid), unknown keys are ignored.
Result<ImageConfig> parse_config(std::string_view json);
// Deterministic: the same config gives the same bytes and therefore the same image ID.
std::string format_config(const ImageConfig& config);

}  // namespace consort::image
