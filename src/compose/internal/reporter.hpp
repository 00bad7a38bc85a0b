// Collects diagnostics while the passes run. Passes know positions; the reporter looks up the source lines.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/diagnostic.hpp"
#include "compose/source.hpp"

namespace consort::compose {

inline constexpr std::size_t diagnostic_limit = 200;  // a file of random bytes must not flood the terminal

class Reporter {
 public:
  explicit Reporter(const Sources& sources) : sources_(sources) {}

  // The returned reference is for adding label, help and fixes; it is valid until the next report.
  Diagnostic& error(std::string_view code, std::string message, Place place = {});
  Diagnostic& warning(std::string_view code, std::string message, Place place = {});
  RelatedMark related(Place place, std::string label) const;
  // A fix that replaces the marked text; empty if the position is unknown or was already repaired.
  TextEdit edit(Place place, std::string replacement) const;
  TextEdit edit_bytes(std::uint32_t source, std::size_t offset, std::size_t length, std::string replacement) const;

  bool failed() const { return errors_ > 0; }
  // Nothing that follows can change the outcome or be shown.
  bool exhausted() const { return full() && failed(); }
  bool full() const { return diagnostics_.size() >= diagnostic_limit; }
  std::size_t errors() const { return errors_; }
  std::size_t count() const { return diagnostics_.size(); }
  std::vector<Diagnostic>& diagnostics() { return diagnostics_; }
  const Sources& sources() const { return sources_; }
  // Removes everything reported since count() was `size`, for a pass that is repeated after a repair.
  void rewind(std::size_t size);

 private:
  Diagnostic& add(Severity severity, std::string_view code, std::string message, Place place);
  const Sources& sources_;
  std::vector<Diagnostic> diagnostics_;
  std::size_t errors_ = 0;
  Diagnostic overflow_;
};

// A path within the tree: {"services", "web", "ports", "[0]"}.
class Path {
 public:
  void push(std::string_view segment) { segments_.emplace_back(segment); }
  void pop() { segments_.pop_back(); }
  std::string dotted() const;  // "services.web.ports.0"
  const std::vector<std::string>& segments() const { return segments_; }
  std::size_t size() const { return segments_.size(); }
  const std::string& operator[](std::size_t i) const { return segments_[i]; }

 private:
  std::vector<std::string> segments_;
};

class PathStep {
 public:
  PathStep(Path& path, std::string_view segment) : path_(path) { path_.push(segment); }
  ~PathStep() { path_.pop(); }
  PathStep(const PathStep&) = delete;
  PathStep& operator=(const PathStep&) = delete;

 private:
  Path& path_;
};

}  // namespace consort::compose
