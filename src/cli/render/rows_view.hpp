// Objects and their states, as Docker Compose shows them on a terminal:
//   [+] Running 2/3
//    ✔ Network lms_default  Created                            0.1s
//    ⠹ Container lms_db     Starting                           0.4s
// and, for images, their layers:
//    ⠹ db [⣿⣦⣀] 22.6MB / 43MB 5.2MB/s Pulling                  3.8s
//      ✔ 09ed0d84c183 Pull complete                            2.6s
//      ⠦ cbaf1512ec18 Downloading    8.2MB/25MB 3.1MB/s        3.7s
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/render/picture.hpp"
#include "project/exec/progress.hpp"

namespace consort::cli {

class RowsView {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  RowsView(std::string title, std::string prefix) : title_(std::move(title)), prefix_(std::move(prefix)) {}

  void event(const project::ProgressEvent& event, Moment now);
  bool empty() const { return rows_.empty(); }
  std::size_t lines() const { return rows_.empty() ? 0 : rows_.size() + 1; }

  // At most `most` lines: objects in progress take precedence over finished ones, and objects over their parts.
  Lines draw(Moment now, std::size_t columns, std::size_t most, Paint paint) const;

 private:
  struct Row {
    project::ProgressEvent event;
    Moment begun{};
    std::optional<Moment> ended{};
    // Bytes received over the network, of the total; and the state when counting began, to compute the speed.
    std::uint64_t bytes = 0, size = 0, first_bytes = 0;
    std::optional<Moment> counted_since{};
    bool is_part() const { return !event.parent.empty(); }
  };
  using Parts = std::vector<const Row*>;
  Line head(Paint paint) const;
  Parts parts_of(const Row& row) const;
  static std::string name_of(const Row& row, std::size_t columns);
  static std::string status_of(const Row& row, Moment now);
  static void add_parts(Line& line, const Row& row, const Parts& parts, Moment now, Paint paint);
  Line row_line(const Row& row, const Parts& parts, std::size_t status_column, Moment now, std::size_t columns,
                Paint paint) const;

  std::string title_, prefix_;
  std::vector<Row> rows_;
};

}  // namespace consort::cli
