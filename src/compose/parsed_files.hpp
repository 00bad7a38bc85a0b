// Keeps parsed files so that reading them before the project is loaded does not mean parsing them twice.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "compose/node.hpp"
#include "compose/source.hpp"

namespace consort::compose {

class ParsedFiles {
 public:
  using Documents = std::shared_ptr<const std::vector<Node>>;

  // The documents of this source; null if it has not been parsed, has changed since, or had a different index, which is
  // stored in every Place of the documents.
  Documents find(const Source& source, std::uint32_t index) const {
    const auto found = kept_.find(source.path());
    if (found == kept_.end() || found->second.index != index) return nullptr;
    return found->second.text == source.original() ? found->second.documents : nullptr;
  }
  // Only for sources without diagnostics, because each loader must report those itself.
  void keep(const Source& source, std::uint32_t index, Documents documents) {
    kept_.insert_or_assign(source.path(), Kept{index, source.original(), std::move(documents)});
  }

 private:
  struct Kept {
    std::uint32_t index;
    std::string text;
    Documents documents;
  };
  std::map<std::string, Kept> kept_;
};

// load() of settings.hpp, but reuses documents that are already parsed. Null: keeps nothing.
LoadOutcome load(const LoadOptions& options, Result<ProjectSettings> settings, ParsedFiles* parsed);
// The string at a path of the merged files, for callers that need it before the project is loaded; "" if there is none.
// Errors are left to load().
std::string top_level_value(const LoadOptions& options, const ProjectSettings& settings, const Strings& path,
                            ParsedFiles* parsed = nullptr);

}  // namespace consort::compose
