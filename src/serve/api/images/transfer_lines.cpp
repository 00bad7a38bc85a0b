#include "serve/api/images/transfer_lines.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace consort::serve {

std::string progress_bar(std::uint64_t current, std::uint64_t total) {
  if (total == 0) return human_bytes_decimal(current);
  constexpr std::size_t width = 50;
  const auto part = static_cast<double>(std::min(current, total)) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(part * width);
  std::string bar = "[" + std::string(filled, '=');
  if (filled < width) bar += ">" + std::string(width - filled, ' ');
  return bar + "]  " + human_bytes_decimal(current) + "/" + human_bytes_decimal(total);
}

Result<> TransferLines::begin() {
  if (std::exchange(begun_, true)) return {};
  return (*line_)(begin_);
}

bool TransferLines::tell(const image::ProgressEvent& event) {
  if (event.id.empty()) return true;  // of the whole: its answer says it
  return begin() && layer(event);
}

Result<> TransferLines::say(const std::string& id, const std::string& status, const image::ProgressEvent* counted) {
  Json line{{"status", status}, {"progressDetail", Json::object()}};
  if (counted) {
    line["progressDetail"]["current"] = counted->current;
    if (counted->total > 0) line["progressDetail"]["total"] = counted->total;
    line["progress"] = progress_bar(counted->current, counted->total);
  }
  line["id"] = id;
  return (*line_)(line);
}

Result<> TransferLines::layer(const image::ProgressEvent& event) {
  const auto [place, is_new] = phases_.try_emplace(event.id, event.phase);
  const image::Phase before = std::exchange(place->second, event.phase);
  const bool pulls = direction_ == Direction::pull;
  const bool finished = event.phase == image::Phase::exists || event.phase == image::Phase::mounted;
  if (is_new && event.phase != image::Phase::waiting && !finished)
    TRY(say(event.id, pulls ? "Pulling fs layer" : "Preparing"));
  switch (event.phase) {
    case image::Phase::waiting:
      return is_new ? say(event.id, pulls ? "Pulling fs layer" : "Preparing") : Result<>();
    case image::Phase::exists:
      return say(event.id, pulls ? "Already exists" : "Layer already exists");
    case image::Phase::downloading:
      return say(event.id, "Downloading", &event);
    case image::Phase::retrying:
      return say(event.id, event.text.empty() ? "Retrying" : event.text);
    case image::Phase::extracting:
      if (before == image::Phase::downloading) TRY(say(event.id, "Download complete"));
      return say(event.id, "Extracting", &event);
    case image::Phase::preparing:
      return is_new ? Result<>() : say(event.id, "Waiting");
    case image::Phase::uploading:
      return say(event.id, "Pushing", &event);
    case image::Phase::mounted:
      return say(event.id, event.text.empty() ? "Mounted" : "Mounted from " + event.text);
    case image::Phase::done:
      return say(event.id, pulls ? "Pull complete" : "Pushed");
    case image::Phase::resolving:
    case image::Phase::finished:
      return {};
  }
  return {};
}

Result<> DownloadLines::tell(std::uint64_t now, std::uint64_t total) {
  constexpr std::uint64_t step = std::uint64_t{512} << 10;
  if (!std::exchange(begun_, true)) TRY((*line_)({{"status", "Downloading from " + url_}}));
  if (now == 0 || (now < told_ + step && now != total)) return {};
  told_ = now;
  Json detail{{"current", now}};
  if (total > 0) detail["total"] = total;
  return (*line_)({{"status", "Importing"}, {"progressDetail", detail}, {"progress", progress_bar(now, total)}});
}

}  // namespace consort::serve
