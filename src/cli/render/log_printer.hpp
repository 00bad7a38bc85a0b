// Log lines with their coloured, padded prefixes: "web-1  | text".
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
  separate,  // up: what the container wrote to its standard error goes to ours
};

struct LogStyle {
  bool prefix = true;
  bool colour = false;
  bool timestamps = false;
  Streams streams = Streams::merged;
  // As they are: the colours of the prefixes, and what containers write, are for the terminal.
  std::function<void(std::string_view)> out = draw_out;
  std::function<void(std::string_view)> err = draw_err;
};

class LogPrinter final : public project::LogSink {
 public:
  explicit LogPrinter(LogStyle style) : style_(std::move(style)) {}
  void join(const std::string& name) override;
  void line(const std::string& name, const engine::LogLine& line) override;
  void status(const std::string& text) override;
  void watch_line(const std::string& text);  // what `up --watch` says of itself, between the lines of containers

 private:
  void begin_batch() override;
  void end_batch() override;
  std::string prefix(const std::string& name);
  void show(bool to_err, std::string_view text);  // now, or with what comes next of a batch
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
