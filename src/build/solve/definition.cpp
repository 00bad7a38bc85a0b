#include "build/solve/definition.hpp"

#include <algorithm>
#include <filesystem>

#include "base/os/files/file.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "build/context/directory.hpp"
#include "build/dockerfile/suggest.hpp"

namespace consort::build {
namespace {

std::string dockerfile_path(const BuildRequest& request) {
  std::string name = request.dockerfile.empty() ? "Dockerfile" : request.dockerfile;
  std::string path = join_path(request.context, name);
  if (request.dockerfile.empty() || request.dockerfile == "Dockerfile") {
    std::string lower = join_path(request.context, "dockerfile");
    if (!path_exists(path) && path_exists(lower)) return lower;
  }
  return path;
}

std::string did_you_mean(const std::string& path) {
  const auto near = neighbour_of(path);
  return near ? "did you mean " + *near + "?" : "";
}

// Other files in the same directory that may have been meant: a similar name, or any Dockerfile.
std::string other_dockerfiles(const std::string& path) {
  std::vector<std::string> found;
  if (const auto near = neighbour_of(path)) found.push_back(base_name(*near));
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(dir_name(path), error)) {
    const std::string name = each.path().filename();
    const std::string lower = to_lower(name);
    const bool fits = (lower.find("dockerfile") != std::string::npos && !lower.ends_with(".dockerignore")) ||
                      lower == "containerfile";
    if (fits && std::ranges::find(found, name) == found.end()) found.push_back(name);
    if (found.size() >= 5) break;
  }
  if (found.empty()) return {};
  std::ranges::sort(found);
  return "; there is " + join(found, ", ") + ": name it with `dockerfile: " + found[0] + "`";
}

}  // namespace

Result<PatternList> load_ignore(const std::string& directory, const std::string& dockerfile) {
  std::vector<std::string> candidates;
  if (!dockerfile.empty()) candidates.push_back(dockerfile + ".dockerignore");
  candidates.push_back(join_path(directory, ".dockerignore"));
  for (const auto& path : candidates) {
    const auto text = read_plain_file(path, 8 << 20);
    if (!text && text.error().code() == Code::not_found) continue;
    if (!text) return fail(Error(Code::io, "read").on(path).why(text.error().message()));
    auto list = PatternList::parse(parse_ignore_file(*text));
    if (!list) return fail(Error(Code::invalid, "read").on(path).why(list.error().message()).at({path}));
    return list;
  }
  return PatternList();
}

Result<Definition> load_definition(const BuildRequest& request, ProgressLog& log) {
  Definition definition;
  definition.context = request.context;
  if (!request.context.empty()) {
    const auto info = stat_path(request.context);
    if (!info || !S_ISDIR(info->st_mode))
      return fail(Error(Code::not_found)
                      .why("unable to prepare context: path \"" + request.context + "\" not found")
                      .hint(did_you_mean(request.context)));
  }
  const std::string path = request.dockerfile_inline ? "" : dockerfile_path(request);
  const std::string shown = path.empty() ? "Dockerfile" : request.dockerfile;
  auto step = log.start("[internal] load build definition from " + base_name(shown));
  std::string text = request.dockerfile_inline.value_or("");
  if (!request.dockerfile_inline) {
    auto content = read_plain_file(path, max_dockerfile_bytes);
    if (!content) {
      const bool absent = content.error().code() == Code::not_found;
      Error error = std::move(content).error();
      if (absent)
        error = Error(Code::not_found)
                    .why("failed to read dockerfile: open " + base_name(path) + ": no such file or directory")
                    .hint("looked for " + path + other_dockerfiles(path))
                    .about(Subject::setting, "build/dockerfile");
      step.end(StepState::error, error.message());
      return fail(std::move(error));
    }
    text = std::move(*content);
  }
  auto parsed = parse_dockerfile(std::move(text), path.empty() ? shown : path);
  if (!parsed) {
    step.end(StepState::error, parsed.error().message());
    return std::unexpected(std::move(parsed).error());
  }
  definition.dockerfile = std::move(*parsed);
  step.end(StepState::done);
  if (!request.context.empty()) definition.ignore = TRY(load_ignore(request.context, path));
  return definition;
}

std::string passing_directory(const Roots& roots) {
  return roots.data + "/build/passing";
}

Result<SourceTree> open_context(const std::string& directory, PatternList ignore, const Roots& roots) {
  std::string index;
  const auto passing = real_path(passing_directory(roots));
  if (!passing || !lies_below(directory, *passing))
    index = roots.data + "/build/index/" + sha256_hex(directory).substr(0, 32);
  return SourceTree::open(directory, std::move(ignore), index);
}

}  // namespace consort::build
