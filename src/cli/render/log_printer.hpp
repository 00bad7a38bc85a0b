// Prints log lines with coloured, padded prefixes: "web-1  | text".
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "cli/render/terminal.hpp"
#include "project/exec/log_sink.hpp"

namespace consort::cli {

enum class Streams : std::uint8_t {
  merged,    // logs: everything to standard output
  separate,  // up: the container's standard error goes to ours
};

struct LogStyle {
  bool prefix = true;
  bool colour = false;
  bool timestamps = false;
  Streams streams = Streams::merged;
  // Where to write: unfiltered, because the colours of prefixes and of the containers' output are meant for the
  // terminal.
  std::function<void(std::string_view)> out = draw_out;
  std::function<void(std::string_view)> err = draw_err;
};

class LogPrinter final : public project::LogSink {
 public:
  explicit LogPrinter(LogStyle style) : style_(std::move(style)) {}
  void join(const std::string& name) override;
  void line(const std::string& name, const engine::LogLine& line) override;
  void status(const std::string& text) override;
  void watch_line(const std::string& text);  // messages of `up --watch` between the containers' lines

 private:
  void begin_batch() override;
  void end_batch() override;
  std::string prefix(const std::string& name);
  void show(bool to_err, std::string_view text);  // immediately, or with the next lines of the batch
  void show_held();

  LogStyle style_;
  std::mutex mutex_;
  unsigned batches_ = 0;
  std::string held_;
  bool held_for_err_ = false;
  std::map<std::string, std::size_t> colours_;
  std::size_t width_ = 0;
};

}  // namespace consort::cli
