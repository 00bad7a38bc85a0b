#include "build/context/context_use.hpp"

#include <algorithm>

#include "base/os/files/file.hpp"
#include "build/dockerfile/wildcard.hpp"

namespace consort::build {
namespace {

bool is_at_or_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

class ContextUse {
 public:
  ContextUse(const SourceTree& tree, std::string directory) : tree_(tree), directory_(std::move(directory)) {}

  bool takes(const Operation& operation) const {
    if (const auto* copy = std::get_if<CopyOperation>(&operation.action)) {
      return !copy->from && std::ranges::any_of(copy->sources, [this](const CopySource& source) {
        return source.kind == CopySource::Kind::path && takes(source.text);
      });
    }
    const auto* run = std::get_if<RunOperation>(&operation.action);
    return run && std::ranges::any_of(run->mounts, [this](const PlannedMount& planned) {
             return planned.mount.type == RunMount::Type::bind && !planned.from && takes(planned.mount.source);
           });
  }

 private:
  // A match includes the directories that lead to it; a directory includes everything in it.
  bool takes(const std::string& source) const {
    const std::string path = clean_path("/" + source).substr(1);
    if (path.empty()) return true;
    std::vector<std::string> found;
    if (has_wildcards(path)) {
      found = tree_.glob(path).value_or(std::vector<std::string>{});
    } else if (auto one = tree_.resolve(path)) {
      found.push_back(std::move(*one));
    }
    return std::ranges::any_of(found, [this](const std::string& taken) {
      return is_at_or_below(taken, directory_) || is_at_or_below(directory_, taken);
    });
  }

  const SourceTree& tree_;
  std::string directory_;
};

std::string fixed_part(const std::string& pattern) {
  std::string path = clean_path("/" + pattern);
  while (has_wildcards(path)) path = dir_name(path);
  return path;
}

}  // namespace

Result<> check_sent(const Shared& shared, const std::string& pattern) {
  const std::string directory = TRY(shared.context->resolve(fixed_part(pattern)));
  if (directory.empty()) return {};
  const ContextUse use(*shared.context, directory);
  for (std::size_t i = 0; i < shared.plans.size(); ++i) {
    if (!shared.graph.nodes[i].reachable) continue;
    for (const auto& operation : shared.plans[i].plan.operations) {
      if (use.takes(operation)) return {};
    }
  }
  return fail(Error(Code::invalid)
                  .why("lstat /" + directory + ": no such file or directory")
                  .hint("the directory is there, but nothing in it matches " + pattern));
}

}  // namespace consort::build
