// The JSON lines of pulls and pushes, in the format that Docker's clients expect.
#pragma once

#include <map>
#include <string>

#include "engine/images.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

enum class Direction : std::uint8_t { pull, push };

// Converts image::Progress to lines. Not thread-safe: one call at a time.
class TransferLines {
 public:
  // begin: the first line, sent before the first layer's. `line` is borrowed.
  TransferLines(const Call::LineWriter& line, Direction direction, Json begin)
      : line_(&line), direction_(direction), begin_(std::move(begin)) {}

  // False: the client has disconnected.
  bool tell(const image::ProgressEvent& event);
  Result<> begin();  // once

 private:
  Result<> layer(const image::ProgressEvent& event);
  Result<> say(const std::string& id, const std::string& status, const image::ProgressEvent* counted = nullptr);

  const Call::LineWriter* line_;
  Direction direction_;
  Json begin_;
  bool begun_ = false;
  std::map<std::string, image::Phase> phases_;  // of the layers, by ID
};

// The lines for a file that an import downloads. Not thread-safe: one call at a time.
class DownloadLines {
 public:
  DownloadLines(const Call::LineWriter& line, std::string url) : line_(&line), url_(std::move(url)) {}
  Result<> tell(std::uint64_t now, std::uint64_t total);

 private:
  const Call::LineWriter* line_;
  std::string url_;
  bool begun_ = false;
  std::uint64_t told_ = 0;
};

// "[=====>     ]  1.2MB/5MB"
std::string progress_bar(std::uint64_t current, std::uint64_t total);

}  // namespace consort::serve
