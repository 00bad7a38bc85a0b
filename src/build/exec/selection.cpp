#include "build/exec/selection.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "build/dockerfile/wildcard.hpp"

namespace consort::build {
namespace {

Result<std::vector<Selected>> select_with_parents(const SourceTree& tree, const CopyOperation& copy,
                                                  const std::string& source, const PatternList& exclude) {
  std::string pivot = "/";
  std::string pattern = source;
  if (const auto at = source.find("/./"); at != std::string::npos) {
    pivot = source.substr(0, at);
    pattern = source.substr(at + 3);
  }
  pattern = clean_path(pattern);
  if (pattern.starts_with('/')) pattern.erase(0, 1);
  PatternList include = TRY(PatternList::parse({pattern.empty() ? "." : pattern}));
  const bool everything = pattern.empty() || pattern == ".";
  std::vector<std::string> starts;
  if (has_wildcards(pivot)) {
    starts = TRY(tree.glob(pivot));
  } else {
    starts.push_back(TRY(tree.resolve(pivot)));
  }
  std::vector<Selected> found;
  for (auto& start : starts) {
    Selected selected;
    selected.entries = TRY(tree.walk(
        start, {.exclude = copy.exclude.empty() ? nullptr : &exclude, .include = everything ? nullptr : &include}));
    selected.start = std::move(start);
    if (selected.entries.size() > 1) found.push_back(std::move(selected));
  }
  if (found.empty() && !has_wildcards(pivot) && !has_wildcards(pattern))
    return fail(Error(Code::not_found).why("\"" + join_path(pivot, pattern) + "\": not found"));
  return found;
}

void append_hex(std::string& out, const FileHash& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const unsigned char c : hash) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
}

}  // namespace

bool Selected::is_directory() const {
  return S_ISDIR(entries.front().mode);
}

Result<std::vector<Selected>> select(const SourceTree& tree, const CopyOperation& copy, const std::string& source) {
  const PatternList exclude = TRY(PatternList::parse(copy.exclude));
  if (copy.parents) return select_with_parents(tree, copy, source, exclude);
  std::vector<std::string> starts;
  const std::string path = clean_path("/" + source).substr(1);  // "a/../b" is "b", whatever a is; cannot lead outside
  const bool pattern = copy.wildcards && has_wildcards(path);
  if (pattern) {
    starts = TRY(tree.glob(path));
  } else {
    auto start = tree.resolve(path);
    // With exclusions, BuildKit detects that when it copies, not when it computes the key.
    if (!start && start.error().code() == Code::not_found && !copy.exclude.empty()) return fail(tree.lstat_error(path));
    starts.push_back(TRY(std::move(start)));
  }
  std::vector<Selected> found;
  for (auto& start : starts) {
    Selected selected;
    selected.name = pattern ? base_name(start) : base_name(path);
    if (pattern) start = TRY(tree.resolve(start));  // a link that matches a pattern is followed like any other
    selected.entries = TRY(tree.walk(start, {.exclude = copy.exclude.empty() ? nullptr : &exclude}));
    selected.start = std::move(start);
    found.push_back(std::move(selected));
  }
  return found;
}

std::string digest_of(const std::vector<Selected>& selection, Owners owners) {
  std::string all;
  const auto put = [&all](const std::string& text) {
    all += text;
    all += '\0';
  };
  for (const auto& selected : selection) {
    put("source");
    if (!selected.is_directory()) put(selected.name);
    for (const auto& entry : selected.entries) {
      // The start directory's own attributes are not copied, and the names of its files are in their paths.
      if (&entry == &selected.entries.front() && selected.is_directory()) continue;
      put(entry.path);
      put(std::to_string(entry.mode));
      if (owners == Owners::counted) put(std::to_string(entry.uid) + ":" + std::to_string(entry.gid));
      if (S_ISREG(entry.mode)) {
        all.append(reinterpret_cast<const char*>(entry.hash.data()), entry.hash.size());
      } else if (S_ISLNK(entry.mode)) {
        put(entry.target);
      } else if (!S_ISDIR(entry.mode)) {
        put(std::to_string(entry.special));
      }
    }
  }
  return sha256_hex(all);
}

std::string list_of(const std::vector<Selected>& selection) {
  std::string out;
  for (const auto& selected : selection) {
    for (const auto& entry : selected.entries) {
      if (S_ISDIR(entry.mode)) continue;
      out += entry.path.empty() ? selected.start : join_path(selected.start, entry.path);
      out += '\t' + std::to_string(entry.mode) + ' ';
      if (S_ISREG(entry.mode)) append_hex(out, entry.hash);
      out += entry.target + '\n';
    }
  }
  return out;
}

}  // namespace consort::build
