// Assembles the bytes of records to lines, separately for each stream.
#pragma once

#include <array>
#include <string>

#include "supervisor/log.hpp"

namespace consort::supervisor {

inline constexpr std::size_t longest_line = std::size_t{1} << 20;

class LineAssembler {
 public:
  // cut: the first line of each stream may have begun before the first record.
  enum class Beginning : std::uint8_t { whole, cut };
  explicit LineAssembler(Beginning beginning) {
    for (Partial& partial : partials_) partial.cut = beginning == Beginning::cut;
  }

  // Calls handler(line, cut) for each line that ends in this record.
  template <typename Handler>
  void add(const LogRecord& record, Handler&& handler) {
    Partial& partial = partials_[record.stream == LogStream::err ? 1 : 0];
    std::string_view rest = record.bytes;
    while (!rest.empty()) {
      const std::size_t newline = rest.find('\n');
      const std::string_view part = rest.substr(0, newline);
      const bool ends = newline != std::string_view::npos;
      rest.remove_prefix(ends ? newline + 1 : rest.size());
      if (ends && partial.text.empty()) {
        handler(LogLine{record.time, record.stream, part, true}, partial.cut);
        partial.cut = false;
        continue;
      }
      if (partial.text.empty()) partial.time = record.time;
      partial.text.append(part);
      if (ends || partial.text.size() >= longest_line) {
        handler(LogLine{partial.time, record.stream, partial.text, ends}, partial.cut);
        partial.text.clear();
        if (ends) partial.cut = false;
        if (partial.text.capacity() > 65536) partial.text.shrink_to_fit();
      }
    }
  }

  template <typename Handler>
  void flush(Handler&& handler) {
    for (const std::size_t i : {0, 1}) {
      Partial& partial = partials_[i];
      if (partial.text.empty()) continue;
      handler(LogLine{partial.time, i == 1 ? LogStream::err : LogStream::out, partial.text, false}, partial.cut);
      partial.text.clear();
    }
  }

 private:
  struct Partial {
    std::string text;
    SystemTime time{};
    bool cut = false;
  };
  std::array<Partial, 2> partials_;
};

}  // namespace consort::supervisor
